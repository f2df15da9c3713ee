-- Made by dbt/generate from schemas/gl_code.json.
{{ navan.staging(
    stream='GL_CODE',
    key=['id', 'number'],
    columns={
        'id': ['id', 'string'],
        'number': ['number', 'string'],
        'name': ['name', 'string'],
        'code': ['code', 'string'],
        'description': ['description', 'string'],
        'active': ['active', 'boolean'],
        '_extra': ['_extra', 'json'],
    }
) }}
