-- Made by dbt/generate from schemas/booking_trip.json.
{{ navan.staging(
    stream='BOOKING_TRIP',
    key=['booking_uuid', 'trip_uuid'],
    cursor='last_modified',
    parent={'stream': 'BOOKING', 'model': 'stg_navan__booking', 'key': 'uuid', 'column': 'booking_uuid'},
    columns={
        'booking_uuid': ['booking_uuid', 'string'],
        'created': ['created', 'timestamp'],
        'last_modified': ['lastModified', 'timestamp'],
        'trip_uuid': ['trip_uuid', 'string'],
        'trip_name': ['trip_name', 'string'],
        'trip_description': ['trip_description', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
