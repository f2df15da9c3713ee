{# JSON, which each database reads by words of its own. A path is names with dots between: 'person.email'. #}


{# An expression of a type of the database's as JSON, in the type `type_json`. #}
{% macro to_json(expression, from_type) %}
    {{- return(adapter.dispatch('to_json', 'navan')(expression, from_type)) -}}
{% endmacro %}

{% macro default__to_json(expression, from_type) -%}
    cast({{ expression }} as {{ navan.type_json() }})
{%- endmacro %}

{% macro snowflake__to_json(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%} try_parse_json({{ expression }})
    {%- else -%} to_variant({{ expression }})
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__to_json(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%} safe.parse_json({{ expression }}, wide_number_mode => 'round')
    {%- elif from_type == 'json' -%} {{ expression }}
    {%- else -%} to_json({{ expression }})
    {%- endif -%}
{%- endmacro %}

{% macro redshift__to_json(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%} json_parse({{ expression }})
    {%- else -%} {{ expression }}
    {%- endif -%}
{%- endmacro %}

{% macro databricks__to_json(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%} {{ expression }}
    {%- else -%} to_json({{ expression }})
    {%- endif -%}
{%- endmacro %}


{# The text of a member, or of the value itself; null where it is not there or null. #}
{% macro json_text(value, path='') %}
    {{- return(adapter.dispatch('json_text', 'navan')(value, path.split('.') if path else [])) -}}
{% endmacro %}

{% macro default__json_text(value, names) -%}
    json_extract_string({{ value }}, '$ {%- for name in names %}."{{ name }}"{% endfor %}')
{%- endmacro %}

{% macro postgres__json_text(value, names) -%}
    ({{ value }} #>> '{ {{- names | join(',') -}} }')
{%- endmacro %}

{% macro snowflake__json_text(value, names) -%}
    cast({{ navan.json_value(value, names | join('.')) }} as {{ navan.type_text() }})
{%- endmacro %}

{% macro bigquery__json_text(value, names) -%}
    json_value({{ value }}, '$ {%- for name in names %}."{{ name }}"{% endfor %}')
{%- endmacro %}

{% macro redshift__json_text(value, names) -%}
    {%- if names -%}
        nullif(
            json_extract_path_text(json_serialize({{ value }}) {%- for name in names %}, '{{ name }}'{% endfor %}, true), ''
        )
    {%- else -%}
        cast({{ value }} as {{ navan.type_text() }})
    {%- endif -%}
{%- endmacro %}

{% macro databricks__json_text(value, names) -%}
    {%- if names -%} get_json_object({{ value }}, '$ {%- for name in names %}.{{ name }}{% endfor %}')
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro %}


{# A member, as JSON. #}
{% macro json_value(value, path) %}
    {{- return(adapter.dispatch('json_value', 'navan')(value, path.split('.') if path else [])) -}}
{% endmacro %}

{% macro default__json_value(value, names) -%}
    json_extract({{ value }}, '$ {%- for name in names %}."{{ name }}"{% endfor %}')
{%- endmacro %}

{% macro postgres__json_value(value, names) -%}
    ({{ value }} #> '{ {{- names | join(',') -}} }')
{%- endmacro %}

{% macro snowflake__json_value(value, names) -%}
    {%- if names -%} get_path({{ value }}, '{% for name in names %}"{{ name }}"{{ '.' if not loop.last }}{% endfor %}')
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__json_value(value, names) -%}
    json_query({{ value }}, '$ {%- for name in names %}."{{ name }}"{% endfor %}')
{%- endmacro %}

{% macro redshift__json_value(value, names) -%}
    json_parse({{ navan.json_text(value, names | join('.')) }})
{%- endmacro %}

{% macro databricks__json_value(value, names) -%}
    {{ navan.json_text(value, names | join('.')) }}
{%- endmacro %}


{# A member as a number, or null. #}
{% macro json_number(value, path='') %}
    {{- navan.parsed(navan.json_text(value, path), 'number') -}}
{% endmacro %}


{# A member as a boolean, or null. #}
{% macro json_boolean(value, path='') %}
    {{- navan.parsed(navan.json_text(value, path), 'boolean') -}}
{% endmacro %}


{# Joins each row with the elements of a list in it; what stands behind `from`. A row whose list is empty, or none at all,
   is left out. The list is a column with its table's name (`expense.parts`): not every database takes more than that.

       select expense.id, {{ navan.json_text(navan.json_element('part'), 'amount') }}
       from expense
       {{ navan.json_array_elements('expense.parts', 'part') }} #}
{% macro json_array_elements(list, as) %}
    {{- return(adapter.dispatch('json_array_elements', 'navan')(list, as)) -}}
{% endmacro %}

{% macro default__json_array_elements(list, as) -%}
    cross join
        unnest(cast(case when json_type({{ list }}) = 'ARRAY' then {{ list }} end as json[])) as {{ as }} (element)
{%- endmacro %}

{% macro postgres__json_array_elements(list, as) -%}
    cross join lateral
        jsonb_array_elements(case when jsonb_typeof({{ list }}) = 'array' then {{ list }} end) as {{ as }} (element)
{%- endmacro %}

{% macro snowflake__json_array_elements(list, as) -%}
    cross join lateral flatten(input => {{ list }}, mode => 'ARRAY') as {{ as }}
{%- endmacro %}

{% macro bigquery__json_array_elements(list, as) -%}
    cross join unnest(json_query_array({{ list }})) as {{ as }}
{%- endmacro %}

{% macro redshift__json_array_elements(list, as) -%}
    , {{ list }} as {{ as }}
{%- endmacro %}

{% macro databricks__json_array_elements(list, as) -%}
    lateral view explode(from_json({{ list }}, 'array<string>')) {{ as }} as element
{%- endmacro %}


{# An element that `json_array_elements` has joined, as JSON. #}
{% macro json_element(as) %}
    {{- return(adapter.dispatch('json_element', 'navan')(as)) -}}
{% endmacro %}

{% macro default__json_element(as) -%}
    {{ as }}.element
{%- endmacro %}

{% macro snowflake__json_element(as) -%}
    {{ as }}.value
{%- endmacro %}

{% macro bigquery__json_element(as) -%}
    {{ as }}
{%- endmacro %}

{% macro redshift__json_element(as) -%}
    {{ as }}
{%- endmacro %}


{# How many elements a list has; 0 where there is none. #}
{% macro json_array_length(list) %}
    {{- return(adapter.dispatch('json_array_length', 'navan')(list)) -}}
{% endmacro %}

{% macro default__json_array_length(list) -%}
    coalesce(case when json_type({{ list }}) = 'ARRAY' then json_array_length({{ list }}) end, 0)
{%- endmacro %}

{% macro postgres__json_array_length(list) -%}
    coalesce(case when jsonb_typeof({{ list }}) = 'array' then jsonb_array_length({{ list }}) end, 0)
{%- endmacro %}

{% macro snowflake__json_array_length(list) -%}
    coalesce(case when is_array({{ list }}) then array_size({{ list }}) end, 0)
{%- endmacro %}

{% macro bigquery__json_array_length(list) -%}
    coalesce(array_length(json_query_array({{ list }})), 0)
{%- endmacro %}

{% macro redshift__json_array_length(list) -%}
    coalesce(case when is_array({{ list }}) then get_array_length({{ list }}) end, 0)
{%- endmacro %}

{% macro databricks__json_array_length(list) -%}
    coalesce(array_size(from_json({{ list }}, 'array<string>')), 0)
{%- endmacro %}
