-- Made by dbt/generate from schemas/booking_allocation.json.
{{ navan.staging(
    stream='BOOKING_ALLOCATION',
    key=['booking_uuid', 'dimension', 'position'],
    cursor='last_modified',
    parent={'stream': 'BOOKING', 'model': 'stg_navan__booking', 'key': 'uuid', 'column': 'booking_uuid'},
    columns={
        'booking_uuid': ['booking_uuid', 'string'],
        'created': ['created', 'timestamp'],
        'last_modified': ['lastModified', 'timestamp'],
        'dimension': ['dimension', 'string'],
        'position': ['index', 'integer'],
        'name': ['name', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
