-- By currency: bookings and expenses, less covered bookings, less expenses that a booking tells already, are spend.
with amounts as (
    select currency, cost_amount as amount from {{ ref('fct_bookings') }}
    union all
    select currency, cost_amount as amount from {{ ref('fct_expenses') }}
    union all
    select bookings.currency, -bookings.cost_amount as amount
    from {{ ref('fct_bookings') }} as bookings
    where bookings.booking_uuid in (
        select links.booking_uuid from {{ ref('int_navan__expense_bookings') }} as links where links.covers_bookings
    )
    union all
    select expenses.currency, -expenses.cost_amount as amount
    from {{ ref('fct_expenses') }} as expenses
    where expenses.bookings > 0
        and expenses.transaction_id not in (
            select links.transaction_id
            from {{ ref('int_navan__expense_bookings') }} as links
            where links.is_booking_covered
        )
    union all
    select currency, -amount as amount from {{ ref('fct_spend') }}
)

select
    currency,
    sum(amount) as difference
from amounts
group by currency
having sum(amount) <> 0
