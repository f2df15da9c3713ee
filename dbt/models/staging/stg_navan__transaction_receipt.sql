-- Made by dbt/generate from schemas/transaction_receipt.json.
{{ navan.staging(
    stream='TRANSACTION_RECEIPT',
    key=['transaction_id'],
    columns={
        'transaction_id': ['transaction_id', 'string'],
        'receipt_url': ['receipt_url', 'string'],
        'e_receipt_url': ['e_receipt_url', 'string'],
        'file_path': ['file_path', 'string'],
        'file_error': ['file_error', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
