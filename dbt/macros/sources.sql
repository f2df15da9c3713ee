{# The raw table of a stream, whatever the case of its name; none where the stream was not synced. #}
{% macro raw_relation(stream) %}
    {% set declared = source('navan', stream | lower) %}
    {% if not navan.introspects() %}
        {% do return(declared) %}
    {% endif %}
    {% set rows = run_query(navan.tables_named(declared)).rows %}
    {% if rows | length == 0 %}
        {% do navan.require_any_table(declared) %}
        {% do return(none) %}
    {% endif %}
    {# As they are spelt there: a name that only quotes can find is found. #}
    {% do return(api.Relation.create(
        database=declared.database,
        schema=rows[0][0],
        identifier=rows[0][1],
        quote_policy={'database': false, 'schema': true, 'identifier': true}
    )) %}
{% endmacro %}


{# A stream that was not synced is nothing to say. That there is none at all is a name that is wrong. #}
{% macro require_any_table(declared) %}
    {% for table in graph.sources.values() | selectattr('package_name', 'equalto', 'navan') %}
        {% set other = declared.incorporate(path={'identifier': table.identifier}) %}
        {% if run_query(navan.tables_named(other)).rows %}
            {% do return(none) %}
        {% endif %}
    {% endfor %}
    {% set prefix = var('navan_table_prefix') %}
    {% do exceptions.raise_compiler_error(
        'navan: no table of Navan, such as ' ~ prefix ~ 'booking, is in database "' ~ declared.database ~ '", schema "'
        ~ declared.schema ~ '", with the prefix "' ~ prefix ~ '". Set navan_database, navan_schema and navan_table_prefix '
        ~ 'to where your destination puts its tables.'
    ) %}
{% endmacro %}


{# Whether the database may be asked. `dbt compile --no-introspect` may not: then each table is as its schema says. #}
{% macro introspects() %}
    {% do return(execute and flags.INTROSPECT) %}
{% endmacro %}


{# A query for the schema and name of the tables of that name in whatever case, the likelier first. #}
{% macro tables_named(declared) %}
    {{ return(adapter.dispatch('tables_named', 'navan')(declared)) }}
{% endmacro %}

{% macro default__tables_named(declared) %}
    select table_schema, table_name
    from {{ navan.information_schema(declared) }}.tables
    where lower(table_schema) = '{{ declared.schema | lower }}'
        and lower(table_name) = '{{ declared.identifier | lower }}'
        and lower(table_catalog) = '{{ declared.database | lower }}'
    order by
        case when table_schema = '{{ declared.schema }}' then 0 else 1 end,
        case when table_name = '{{ declared.identifier }}' then 0 else 1 end,
        table_schema,
        table_name
{% endmacro %}


{% macro information_schema(declared) %}
    {{- return(adapter.dispatch('information_schema', 'navan')(declared)) -}}
{% endmacro %}

{% macro default__information_schema(declared) %}
    {%- do return(declared.include(schema=false, identifier=false) ~ '.information_schema') -%}
{% endmacro %}

{# One for all its databases. #}
{% macro duckdb__information_schema(declared) %}
    {%- do return('information_schema') -%}
{% endmacro %}

{# BigQuery keeps one for each data set. #}
{% macro bigquery__information_schema(declared) %}
    {%- do return(declared.include(identifier=false) ~ '.INFORMATION_SCHEMA') -%}
{% endmacro %}


{# The columns of a raw table by their names in lower case: how the name is written in SQL, and the type. #}
{% macro raw_columns(relation, declared) %}
    {% set columns = {} %}
    {% if relation and navan.introspects() %}
        {% for column in adapter.get_columns_in_relation(relation) %}
            {% do columns.update({column.name | lower: {'name': adapter.quote(column.name), 'type': column.dtype | lower}}) %}
        {% endfor %}
    {% elif relation %}
        {% for path, type in declared.values() %}
            {% set name, _, member = path.partition('.') %}
            {% set type = navan.type_of('json' if member else type) | trim | lower %}
            {% do columns.update({name | lower: {'name': adapter.quote(name), 'type': type}}) %}
        {% endfor %}
    {% endif %}
    {% do return(columns) %}
{% endmacro %}
