-- SAP S/4HANA's sheet "Upload General Journal Entries", row by row: a block for each journal entry, with its header and its
-- line items. Rows of no posting date are the sheet's own.
{% set header = [
    ('BUKRS', '*Company Code (4)'),
    ('BLART', '*Journal Entry Type (2)'),
    ('BLDAT', '*Journal Entry Date'),
    ('BUDAT', '*Posting Date'),
    ('MONAT', 'Fiscal period (2)'),
    ('BKTXT', 'Document Header Text (25)'),
    ('WAERS', '*Transaction Currency (5)'),
    ('XBLNR', 'Reference Document Number (16)'),
] %}
{% set lines = [
    ('BUKRS', 'Company Code (4)'),
    ('HKONT', 'G/L Account (10)'),
    ('SGTXT', 'Item Text (50)'),
    ('WRSOL', 'Debit'),
    ('WRHAB', 'Credit'),
    ('MWSKZ', 'Tax Code (2)'),
    ('KOSTL', 'Cost Center (10)'),
    ('PS_POSID', 'WBS Element (24)'),
    ('ZUONR', 'Assignment number (18)'),
] %}
{% set browse = '// For a complete list of field columns and their technical names, choose ? in the right upper corner of the app'
    ~ ' screen and then view the Browse entry of web assistance.' %}
-- The rows with the same texts in every sheet, and in every block; the first cell of each is in column A.
{% set sheet_rows = [
    ['Upload General Journal Entry'],
    ['// To add field columns to the template, please add technical names.'],
    [browse],
    ['Batch ID'],
    [],
    [],
] %}
{% set before_first_line = [
    (3, [none] + header | map(attribute=0) | list),
    (4, [none] + header | map(attribute=1) | list),
    (6, []),
    (7, [none, 'Line Items']),
    (8, [none, none, none, none, 'Transaction Currency']),
    (9, [none] + lines | map(attribute=0) | list),
    (10, [none] + lines | map(attribute=1) | list),
] %}
with journals as (
    select
        posting_date,
        external_id,
        {%- for name, label in header %}
        header_{{ name | lower }},
        {%- endfor %}
        row_number() over (partition by posting_date order by external_id) as block
    from {{ ref('erp_sap_journal') }}
    where line_number = 1
),

sheet as (
    {%- for cells in sheet_rows %}
    select
        cast(null as date) as posting_date,
        0 as block,
        {{ loop.index }} as block_row,
        {{ navan.erp_sheet_cells(cells) }}
    union all
    {%- endfor %}

    -- Two empty rows before each block, but for the first.
    {%- for block_row in [0, 1] %}
    select
        posting_date,
        block,
        {{ block_row }} as block_row,
        {{ navan.erp_sheet_cells([]) }}
    from journals
    where block > 1
    union all
    {%- endfor %}

    select
        posting_date,
        block,
        2 as block_row,
        {{ navan.erp_sheet_cells([none, 'Header'], {0: 'cast(block as ' ~ dbt.type_string() ~ ')'}) }}
    from journals
    union all

    select
        posting_date,
        block,
        5 as block_row,
        {{ navan.erp_sheet_cells([], navan.erp_sheet_columns(header, 'header_')) }}
    from journals
    union all

    {%- for block_row, cells in before_first_line %}
    select
        posting_date,
        block,
        {{ block_row }} as block_row,
        {{ navan.erp_sheet_cells(cells) }}
    from journals
    union all
    {%- endfor %}

    select
        items.posting_date,
        journals.block,
        10 + items.line_number as block_row,
        {{ navan.erp_sheet_cells([], navan.erp_sheet_columns(lines, 'items.')) }}
    from {{ ref('erp_sap_journal') }} as items
    inner join journals on items.external_id = journals.external_id
)

select * from sheet
