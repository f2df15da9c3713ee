{# What the package's variables say, as SQL. #}


{# The texts of a list, for `in`: `('CONFIRMED', 'TICKETED')`. None match where it is empty. #}
{% macro listed(variable) -%}
    {%- set quoted = [] -%}
    {%- for value in var(variable) -%}
        {%- do quoted.append("'" ~ value | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    ({{ quoted | join(', ') or 'null' }})
{%- endmacro %}


{# The day as of which ages are told. #}
{% macro today() -%}
    {%- if var('navan_today') -%} cast('{{ var("navan_today") }}' as date)
    {%- else -%} cast({{ dbt.current_timestamp() }} as date)
    {%- endif -%}
{%- endmacro %}
