{# The first day of a day's month. #}
{% macro month_of(day) -%}
    cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}


{# The fiscal year, named after the calendar year in which it ends. #}
{% macro fiscal_year(day) -%}
    {%- set first_month = var('navan_fiscal_year_start_month') | int -%}
    cast(extract(year from {{ day }}) as integer)
    {%- if first_month > 1 %} + case when extract(month from {{ day }}) >= {{ first_month }} then 1 else 0 end {%- endif -%}
{%- endmacro %}


{# The month of the fiscal year, from 1. #}
{% macro fiscal_period(day) -%}
    {%- set first_month = var('navan_fiscal_year_start_month') | int -%}
    cast(extract(month from {{ day }}) as integer) - {{ first_month }} + 1
    {%- if first_month > 1 %} + case when extract(month from {{ day }}) >= {{ first_month }} then 0 else 12 end {%- endif -%}
{%- endmacro %}


{# In which range an age in days is: `0-7`. Each range ends with one of `ends`; the last one is open. #}
{% macro day_bucket(days, ends) -%}
    case
    {%- for end in ends %}
        when {{ days }} <= {{ end }} then '{{ ends[loop.index0 - 1] + 1 if not loop.first else 0 }}-{{ end }}'
    {%- endfor %}
        when {{ days }} > {{ ends[-1] }} then '{{ ends[-1] + 1 }}+'
    end
{%- endmacro %}


{# Seconds since 1970 as a moment; null where that is no time, such as a number that is far too large. #}
{% macro moment(seconds) -%}
    case
        when {{ seconds }} between 0 and 253402300799
            then {{ dbt.dateadd(
                'second',
                'cast(floor(' ~ seconds ~ ') as ' ~ dbt.type_bigint() ~ ')',
                "cast('1970-01-01' as " ~ navan.type_timestamp() ~ ')'
            ) }}
    end
{%- endmacro %}
