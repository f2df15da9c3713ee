-- The files have each line of the closed journals once: a name that erp_names has twice would double it.
with totals as (
    select
        'journals' as source,
        count(*) as journal_lines,
        coalesce(sum(debit), 0) as debit,
        coalesce(sum(credit), 0) as credit
    from {{ ref('erp_journal_lines') }}
    where is_closed

    union all

    select
        'NetSuite' as source,
        count(*) as journal_lines,
        coalesce(sum({{ adapter.quote('Debit') }}), 0) as debit,
        coalesce(sum({{ adapter.quote('Credit') }}), 0) as credit
    from {{ ref('erp_netsuite_journal') }}

    union all

    select
        'SAP' as source,
        count(*) as journal_lines,
        coalesce(sum(cast(wrsol as {{ navan.type_amount() }})), 0) as debit,
        coalesce(sum(cast(wrhab as {{ navan.type_amount() }})), 0) as credit
    from {{ ref('erp_sap_journal') }}
)

select
    files.source,
    files.journal_lines,
    files.debit,
    files.credit
from totals as files
inner join totals as journals on journals.source = 'journals'
where
    files.journal_lines <> journals.journal_lines
    or files.debit <> journals.debit
    or files.credit <> journals.credit
