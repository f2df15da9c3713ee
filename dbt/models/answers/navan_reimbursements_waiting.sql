-- Who waits for money back, how much, and for how long?
with waiting as (
    select
        *,
        coalesce(manually_added_date, expense_day) as waiting_since,
        {{ navan.today() }} as today
    from {{ ref('fct_expenses') }}
    where expense_type in {{ navan.listed('navan_reimbursable_types') }}
        and cost_amount <> 0
        and reimbursement_date is null
),

aged as (
    select
        *,
        {{ dbt.datediff('waiting_since', 'today', 'day') }} as age_days
    from waiting
)

select
    transaction_id,
    employee_key,
    department,
    legal_entity,
    approval_status,
    expense_day,
    waiting_since,
    age_days,
    {{ navan.day_bucket('age_days', [7, 14, 30, 60]) }} as age_bucket,
    case when reimbursement_amount is null then currency else coalesce(upper(reimbursement_currency), currency) end
        as currency,
    coalesce(reimbursement_amount, cost_amount) as amount
from aged
