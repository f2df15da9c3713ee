{# A stream's rows as they are at Navan now, typed: of each key the newest version, without those that are deleted.

   `columns` has where each column comes from, and its type: `['booker.department', 'string']` is a member of an object.
   `key` and `cursor` are columns. A stream of lists has a `parent`: its `model` and `key`, and the `column` that names it. #}
{% macro staging(stream, key, columns, cursor=none, parent=none) %}
    {%- set relation = navan.raw_relation(stream) -%}
    {%- set raw = navan.raw_columns(relation, columns) -%}
    {%- set newest_first = (cursor ~ ' desc nulls last, ' if cursor else '') ~ 'synced_at desc nulls last' -%}
    {%- set parent_model = ref(parent.model) if parent -%}
with versions as (
    select
    {%- for column, (path, type) in columns.items() %}
        {{ navan.raw_column(raw, path, type) }} as {{ navan.column_name(column) }},
    {%- endfor %}
        {{ navan.raw_column(raw, '_ab_cdc_deleted_at', 'timestamp') }} as deleted_at,
        {{ navan.raw_column(raw, '_airbyte_extracted_at', 'timestamp') }} as synced_at
    {%- if relation %}
    from {{ relation }}
    {%- else %}
    from (select 1 as nothing) as nothing
    where false
    {%- endif %}
),
{% if parent and navan.raw_relation(parent.stream) %}
-- The parent's newest version alone says what its list has: it may have become empty.
lists as (
    select versions.*
    from versions
    inner join {{ parent_model }} as parent
        on versions.{{ parent.column }} = parent.{{ parent.key }}
        and (
            versions.{{ cursor }} = parent.{{ cursor }}
            or (versions.{{ cursor }} is null and parent.{{ cursor }} is null)
        )
),
{% else %}
{%- set lists = 'versions' %}
{%- endif %}

ranked as (
    select
        *,
        row_number() over (partition by {{ key | join(', ') }} order by {{ newest_first }}) as version_rank
        {%- if parent %},
        -- A list may have been read more than once at one time: its newest read counts.
        rank() over (partition by {{ parent.column }} order by {{ newest_first }}) as list_rank
        {%- endif %}
    from {{ lists or 'lists' }}
)

select
{%- for column in columns %}
    {{ navan.column_name(column) }},
{%- endfor %}
    synced_at
from ranked
where version_rank = 1
    {%- if parent %}
    and list_rank = 1
    {%- endif %}
    and deleted_at is null
{% endmacro %}


{# One column of a raw table, or a member of one, as one of the streams' types; null where there is none. #}
{% macro raw_column(raw, path, type) %}
    {%- set name, _, member = path.partition('.') -%}
    {%- set column = raw.get(name | lower) -%}
    {%- if not column -%}
        cast(null as {{ navan.type_of(type) }})
    {%- elif not member -%}
        {{ navan.typed(column.name, column.type, type) }}
    {%- elif type == 'json' -%}
        {{ navan.json_value(navan.to_json(column.name, column.type), member) }}
    {%- else -%}
        {{ navan.parsed(navan.json_text(navan.to_json(column.name, column.type), member), type) }}
    {%- endif -%}
{% endmacro %}


{# A column's name in SQL, also where it is a word of the language's. #}
{% macro column_name(name) %}
    {{- return(adapter.dispatch('column_name', 'navan')(name)) -}}
{% endmacro %}

{% macro default__column_name(name) -%}
    {{ name }}
{%- endmacro %}

{# GROUPS is one there. Quotes leave a name's case alone, which does not count there. #}
{% macro bigquery__column_name(name) -%}
    {{ adapter.quote(name) }}
{%- endmacro %}
