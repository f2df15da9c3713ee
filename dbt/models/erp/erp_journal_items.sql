-- Every line of every journal, by transaction: those of closed periods as they were handed over, those of open ones as they
-- are now.
with closed as (
    select *
    from {{ ref('erp_posted_lines') }}
    where transaction_id is not null
),

due as (
    {{ navan.erp_due_lines(ref('erp_posted_lines')) }}
)

{%- for state in ['closed', 'due'] %}
{{ 'union all' if not loop.first }}
select
    external_id,
    journal_kind,
    {{ 'true' if state == 'closed' else 'false' }} as is_closed,
    period,
    posting_date,
    original_external_id,
    transaction_id,
    transaction_version,
    expense_month,
    {%- for column in navan.erp_line_columns() %}
    {{ column }},
    {%- endfor %}
    amount
from {{ state }}
{%- endfor %}
