-- Made by dbt/generate from schemas/booking_document.json.
{{ navan.staging(
    stream='BOOKING_DOCUMENT',
    key=['booking_uuid', 'kind', 'position'],
    cursor='last_modified',
    parent={'stream': 'BOOKING', 'model': 'stg_navan__booking', 'key': 'uuid', 'column': 'booking_uuid'},
    columns={
        'booking_uuid': ['booking_uuid', 'string'],
        'created': ['created', 'timestamp'],
        'last_modified': ['lastModified', 'timestamp'],
        'kind': ['kind', 'string'],
        'position': ['index', 'integer'],
        'reference': ['reference', 'string'],
        'number': ['number', 'string'],
        'file_path': ['file_path', 'string'],
        'file_error': ['file_error', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
