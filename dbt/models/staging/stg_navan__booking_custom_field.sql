-- Made by dbt/generate from schemas/booking_custom_field.json.
{{ navan.staging(
    stream='BOOKING_CUSTOM_FIELD',
    key=['booking_uuid', 'position'],
    cursor='last_modified',
    parent={'stream': 'BOOKING', 'model': 'stg_navan__booking', 'key': 'uuid', 'column': 'booking_uuid'},
    columns={
        'booking_uuid': ['booking_uuid', 'string'],
        'created': ['created', 'timestamp'],
        'last_modified': ['lastModified', 'timestamp'],
        'position': ['index', 'integer'],
        'name': ['name', 'string'],
        'value': ['value', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
