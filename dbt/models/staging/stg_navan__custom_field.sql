-- Made by dbt/generate from schemas/custom_field.json.
{{ navan.staging(
    stream='CUSTOM_FIELD',
    key=['name'],
    columns={
        'name': ['name', 'string'],
        'label': ['label', 'string'],
        'type': ['type', 'string'],
        'required': ['required', 'boolean'],
        'options': ['options', 'json'],
        '_extra': ['_extra', 'json'],
    }
) }}
