{{ config(severity='warn') }}

-- Texts of the files that a spreadsheet would run as formulas. They stay as they are, since the ERP knows its names by them;
-- whoever opens a file is to know.
{% set columns = {
    'erp_netsuite_journal': ['Subsidiary', 'Currency', 'Account', 'Line Memo', 'Name', 'Department', 'Class'],
    'erp_sap_journal': ['bukrs', 'header_waers', 'hkont', 'sgtxt', 'mwskz', 'kostl', 'ps_posid'],
} %}
with texts as (
    {%- for model, names in columns.items() %}
    {%- set outer_loop = loop %}
    {%- for name in names %}
    {{ 'union all' if not (outer_loop.first and loop.first) }}
    select distinct
        '{{ model }}' as model,
        '{{ name }}' as column_name,
        cast({{ adapter.quote(name) if model == 'erp_netsuite_journal' else name }} as {{ dbt.type_string() }}) as cell
    from {{ ref(model) }}
    {%- endfor %}
    {%- endfor %}
)

select *
from texts
where substring(cell, 1, 1) in ('=', '+', '-', '@', chr(9), chr(10), chr(13))
