-- Made by dbt/generate from schemas/transaction_custom_field.json.
{{ navan.staging(
    stream='TRANSACTION_CUSTOM_FIELD',
    key=['transaction_id', 'position'],
    cursor='modified_timestamp',
    parent={'stream': 'TRANSACTION', 'model': 'stg_navan__transaction', 'key': 'id', 'column': 'transaction_id'},
    columns={
        'transaction_id': ['transaction_id', 'string'],
        'modified_timestamp': ['modified_timestamp', 'timestamp'],
        'position': ['index', 'integer'],
        'name': ['name', 'string'],
        'label': ['label', 'string'],
        'value': ['value', 'string'],
        'display_value': ['display_value', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
