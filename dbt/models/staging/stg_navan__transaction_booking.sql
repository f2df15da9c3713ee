-- Made by dbt/generate from schemas/transaction_booking.json.
{{ navan.staging(
    stream='TRANSACTION_BOOKING',
    key=['transaction_id', 'booking_uuid'],
    cursor='modified_timestamp',
    parent={'stream': 'TRANSACTION', 'model': 'stg_navan__transaction', 'key': 'id', 'column': 'transaction_id'},
    columns={
        'transaction_id': ['transaction_id', 'string'],
        'modified_timestamp': ['modified_timestamp', 'timestamp'],
        'booking_uuid': ['booking_uuid', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
