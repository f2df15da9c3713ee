{# The database's type for one of the streams' types:
   string, number, integer, boolean, date, timestamp (UTC), local_timestamp (the time at the place), json. #}
{% macro type_of(type) %}
    {%- if type == 'string' -%} {{ navan.type_text() }}
    {%- elif type == 'number' -%} {{ navan.type_number() }}
    {%- elif type == 'integer' -%} {{ dbt.type_bigint() }}
    {%- elif type == 'boolean' -%} {{ dbt.type_boolean() }}
    {%- elif type == 'date' -%} date
    {%- elif type == 'timestamp' -%} {{ navan.type_timestamp() }}
    {%- elif type == 'local_timestamp' -%} {{ navan.type_local_timestamp() }}
    {%- elif type == 'json' -%} {{ navan.type_json() }}
    {%- else -%} {{ exceptions.raise_compiler_error('navan: there is no type ' ~ type) }}
    {%- endif -%}
{% endmacro %}


{% macro type_text() %}
    {{- return(adapter.dispatch('type_text', 'navan')()) -}}
{% endmacro %}

{% macro default__type_text() -%}
    {{ dbt.type_string() }}
{%- endmacro %}

{# What is just `text` there ends after 256 bytes. #}
{% macro redshift__type_text() -%}
    varchar(65535)
{%- endmacro %}


{# Money and the like: decimal digits, never a float. #}
{% macro type_number() %}
    {{- return(adapter.dispatch('type_number', 'navan')()) -}}
{% endmacro %}

{% macro default__type_number() -%}
    decimal(38, 9)
{%- endmacro %}

{# The same 38 digits, 9 of them behind the point. #}
{% macro bigquery__type_number() -%}
    numeric
{%- endmacro %}


{# A moment, in UTC. #}
{% macro type_timestamp() %}
    {{- return(adapter.dispatch('type_timestamp', 'navan')()) -}}
{% endmacro %}

{% macro default__type_timestamp() -%}
    timestamp
{%- endmacro %}

{% macro snowflake__type_timestamp() -%}
    timestamp_ntz
{%- endmacro %}


{# What a clock at the place shows. #}
{% macro type_local_timestamp() %}
    {{- return(adapter.dispatch('type_local_timestamp', 'navan')()) -}}
{% endmacro %}

{% macro default__type_local_timestamp() %}
    {{- navan.type_timestamp() -}}
{% endmacro %}

{% macro bigquery__type_local_timestamp() -%}
    datetime
{%- endmacro %}

{% macro databricks__type_local_timestamp() -%}
    timestamp_ntz
{%- endmacro %}


{% macro type_json() %}
    {{- return(adapter.dispatch('type_json', 'navan')()) -}}
{% endmacro %}

{% macro default__type_json() -%}
    json
{%- endmacro %}

{% macro postgres__type_json() -%}
    jsonb
{%- endmacro %}

{% macro snowflake__type_json() -%}
    variant
{%- endmacro %}

{% macro redshift__type_json() -%}
    super
{%- endmacro %}

{# Text, which is what its functions of JSON take. #}
{% macro databricks__type_json() -%}
    string
{%- endmacro %}


{# An expression of a type of the database's, as one of the streams' types. #}
{% macro typed(expression, from_type, type) %}
    {%- if type == 'json' -%} {{ navan.to_json(expression, from_type) }}
    {%- elif type == 'timestamp' -%} {{ navan.to_timestamp(expression, from_type) }}
    {%- elif navan.is_text(from_type) -%} {{ navan.parsed(expression, type) }}
    {%- else -%} cast({{ expression }} as {{ navan.type_of(type) }})
    {%- endif -%}
{% endmacro %}


{% macro is_text(from_type) %}
    {% do return('char' in from_type or from_type in ['text', 'string']) %}
{% endmacro %}


{# A text as one of the streams' types; null where it is none, on databases that can say so. #}
{% macro parsed(text, type) %}
    {%- if type == 'string' -%} cast({{ text }} as {{ navan.type_text() }})
    {#- Not every database casts text to a boolean. -#}
    {%- elif type == 'boolean' -%} case lower({{ text }}) when 'true' then true when 'false' then false end
    {%- elif type == 'timestamp' -%} {{ navan.to_timestamp(text, 'text') }}
    {%- elif type == 'json' -%} {{ navan.to_json(text, 'text') }}
    {%- else -%} {{ navan.try_cast(text, navan.type_of(type)) }}
    {%- endif -%}
{% endmacro %}


{% macro try_cast(text, type) %}
    {{- return(adapter.dispatch('try_cast', 'navan')(text, type)) -}}
{% endmacro %}

{% macro default__try_cast(text, type) -%}
    try_cast({{ text }} as {{ type }})
{%- endmacro %}

{% macro bigquery__try_cast(text, type) -%}
    safe_cast({{ text }} as {{ type }})
{%- endmacro %}

{% macro redshift__try_cast(text, type) -%}
    try_cast({{ text }} as {{ type }})
{%- endmacro %}

{# It has no cast that cannot fail. What the connector writes has the form that its schema says. #}
{% macro postgres__try_cast(text, type) -%}
    cast({{ text }} as {{ type }})
{%- endmacro %}


{# A column with time zone, without one (then it is UTC), or a text with an offset. #}
{% macro to_timestamp(expression, from_type) %}
    {{- return(adapter.dispatch('to_timestamp', 'navan')(expression, from_type)) -}}
{% endmacro %}

{% macro default__to_timestamp(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%}
        cast(cast({{ expression }} as timestamp with time zone) at time zone 'UTC' as timestamp)
    {%- elif 'with time zone' in from_type or 'timestamptz' in from_type -%}
        cast({{ expression }} at time zone 'UTC' as timestamp)
    {%- else -%}
        cast({{ expression }} as timestamp)
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__to_timestamp(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%}
        cast(convert_timezone('UTC', try_to_timestamp_tz({{ expression }})) as timestamp_ntz)
    {%- elif 'tz' in from_type and 'ntz' not in from_type -%}
        cast(convert_timezone('UTC', {{ expression }}) as timestamp_ntz)
    {%- else -%}
        cast({{ expression }} as timestamp_ntz)
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__to_timestamp(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%} safe_cast({{ expression }} as timestamp)
    {%- else -%} cast({{ expression }} as timestamp)
    {%- endif -%}
{%- endmacro %}

{% macro databricks__to_timestamp(expression, from_type) -%}
    {%- if navan.is_text(from_type) -%} try_cast({{ expression }} as timestamp)
    {%- else -%} cast({{ expression }} as timestamp)
    {%- endif -%}
{%- endmacro %}
