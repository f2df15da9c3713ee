-- Made by dbt/generate from schemas/transaction_line_item.json.
{{ navan.staging(
    stream='TRANSACTION_LINE_ITEM',
    key=['transaction_id', 'position'],
    cursor='modified_timestamp',
    parent={'stream': 'TRANSACTION', 'model': 'stg_navan__transaction', 'key': 'id', 'column': 'transaction_id'},
    columns={
        'transaction_id': ['transaction_id', 'string'],
        'modified_timestamp': ['modified_timestamp', 'timestamp'],
        'position': ['index', 'integer'],
        'id': ['id', 'string'],
        'amount': ['amount', 'number'],
        'currency': ['currency', 'string'],
        'description': ['description', 'string'],
        'gl_code_number': ['gl_code_number', 'string'],
        'gl_code_name': ['gl_code_name', 'string'],
        'department': ['department', 'string'],
        'cost_center': ['cost_center', 'string'],
        'tax_details': ['tax_details', 'json'],
        '_extra': ['_extra', 'json'],
    }
) }}
