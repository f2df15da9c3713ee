-- By currency: bookings and expenses, less covered bookings, less expenses that a booking tells already, are spend.
with covered_bookings as (
    select distinct booking_uuid
    from {{ ref('int_navan__expense_bookings') }}
    where is_booking_covered
),

told_expenses as (
    select transaction_id
    from {{ ref('int_navan__expense_bookings') }}
    group by transaction_id
    having max(case when is_booking_covered then 1 else 0 end) = 0
        and max(case when is_told_by_booking then 1 else 0 end) = 1
),

amounts as (
    select
        currency,
        cost_amount as amount
    from {{ ref('fct_bookings') }}

    union all

    select
        currency,
        cost_amount as amount
    from {{ ref('fct_expenses') }}

    union all

    select
        bookings.currency,
        -bookings.cost_amount as amount
    from {{ ref('fct_bookings') }} as bookings
    inner join covered_bookings on bookings.booking_uuid = covered_bookings.booking_uuid

    union all

    select
        expenses.currency,
        -expenses.cost_amount as amount
    from {{ ref('fct_expenses') }} as expenses
    inner join told_expenses on expenses.transaction_id = told_expenses.transaction_id

    union all

    select
        currency,
        -amount as amount
    from {{ ref('fct_spend') }}
)

select
    currency,
    sum(amount) as difference
from amounts
group by currency
having sum(amount) <> 0
