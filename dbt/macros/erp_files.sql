{# The files for the ERPs. #}


{# Joins the ERP's words for what Navan calls otherwise: `department_names`, say; what comes behind `from`. #}
{% macro erp_join_names(lines, dimensions) %}
    {%- for dimension in dimensions %}
left join {{ ref('erp_names') }} as {{ dimension }}_names
    on {{ lines }}.{{ dimension }} = {{ dimension }}_names.navan_name
        and {{ dimension }}_names.dimension = '{{ dimension }}'
    {%- endfor %}
{% endmacro %}


{# What a journal says of itself: `Navan 2026-11`. #}
{% macro erp_journal_memo(journal_kind, period) -%}
    case when {{ journal_kind }} = 'corrections' then 'Navan corrections ' else 'Navan ' end
    || substring(cast({{ period }} as {{ dbt.type_string() }}), 1, 7)
{%- endmacro %}


{# What a line says of itself. A correction names the journal that it corrects. #}
{% macro erp_line_memo(lines) -%}
    case {{ lines }}.line_kind
        when 'cost' then 'Expenses'
        when 'tax' then 'Input tax'
        when 'employee' then 'Owed by employees'
        else 'To be paid'
    end
    || coalesce(' ' || {{ lines }}.tax_code, '')
    || case
        when {{ lines }}.original_external_id is not null then ', corrects ' || {{ lines }}.original_external_id
        when {{ lines }}.journal_kind = 'corrections' then ', late'
        else ''
    end
{%- endmacro %}


{# A date as its digits: 20261130. #}
{% macro erp_date_digits(date) -%}
    replace(cast({{ date }} as {{ dbt.type_string() }}), '-', '')
{%- endmacro %}


{# The name of a month, such as `Nov 2026`. #}
{% macro erp_month_name(month) -%}
    case extract(month from {{ month }})
    {%- for name in ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] %}
        when {{ loop.index }} then '{{ name }}'
    {%- endfor %}
    end || ' ' || substring(cast({{ month }} as {{ dbt.type_string() }}), 1, 4)
{%- endmacro %}


{# A number of cents at most, as the ERPs take it. #}
{% macro type_amount() %}
    {{- return(adapter.dispatch('type_amount', 'navan')()) -}}
{% endmacro %}

{% macro default__type_amount() -%}
    decimal(38, 2)
{%- endmacro %}

{# Its decimals with two digits end at 29 before the point. #}
{% macro bigquery__type_amount() -%}
    numeric(31, 2)
{%- endmacro %}


{# A row of SAP's sheet: the columns a to j, with these texts, and SQL in the places that `columns` has. #}
{% macro erp_sheet_cells(texts, columns={}) -%}
    {%- for letter in 'abcdefghij' %}
    {%- set place = loop.index0 %}
    {%- if place in columns %}
        {{ columns[place] }}
    {%- elif place < texts | length and texts[place] is not none %}
        cast('{{ texts[place] }}' as {{ dbt.type_string() }})
    {%- else %}
        cast(null as {{ dbt.type_string() }})
    {%- endif %} as {{ letter }} {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{# The columns of the same names, each in its place: from column B on. #}
{% macro erp_sheet_columns(names, prefix) %}
    {%- set columns = {} -%}
    {%- for name, label in names -%}
        {%- do columns.update({loop.index: prefix ~ name | lower}) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}
