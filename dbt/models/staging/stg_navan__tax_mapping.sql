-- Made by dbt/generate from schemas/tax_mapping.json.
{{ navan.staging(
    stream='TAX_MAPPING',
    key=['id', 'tax_code'],
    columns={
        'id': ['id', 'string'],
        'tax_code': ['tax_code', 'string'],
        'name': ['name', 'string'],
        'rate': ['rate', 'number'],
        'country': ['country', 'string'],
        'gl_code_number': ['gl_code_number', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
