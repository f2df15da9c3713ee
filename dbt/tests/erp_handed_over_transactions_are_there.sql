{{ config(severity='warn') }}

-- Handed over, and now gone from Navan: deleted there, or out of reach of what is synced. Nobody corrects these but a person.
select distinct lines.transaction_id
from {{ ref('erp_posted_lines') }} as lines
left join {{ ref('erp_expenses') }} as expenses on lines.transaction_id = expenses.transaction_id
where lines.transaction_id is not null and expenses.transaction_id is null
