-- Which card payments still lack a receipt?
with charges as (
    select
        *,
        {{ navan.today() }} as today
    from {{ ref('fct_expenses') }}
    where expense_type in {{ navan.listed('navan_card_types') }}
        and cost_amount > 0
        and not has_receipt
),

aged as (
    select
        *,
        {{ dbt.datediff('expense_day', 'today', 'day') }} as age_days
    from charges
)

select
    transaction_id,
    employee_key,
    cardholder,
    department,
    vendor,
    expense_day,
    age_days,
    {{ navan.day_bucket('age_days', [7, 14, 30, 60]) }} as age_bucket,
    currency,
    cost_amount as amount
from aged
