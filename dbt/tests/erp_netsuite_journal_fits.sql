{{ config(severity='warn') }}

-- What NetSuite's import would refuse: amounts of more than ten digits before the point, journals of more than 10,000 lines or
-- of one.
select
    {{ adapter.quote('External ID') }},
    count(*) as journal_lines,
    max(coalesce({{ adapter.quote('Debit') }}, {{ adapter.quote('Credit') }})) as largest_amount
from {{ ref('erp_netsuite_journal') }}
group by {{ adapter.quote('External ID') }}
having
    count(*) not between 2 and 10000
    or max(coalesce({{ adapter.quote('Debit') }}, {{ adapter.quote('Credit') }})) >= 10000000000
