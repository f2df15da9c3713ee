-- Which taxes can be reclaimed, country by country? Of expenses those that Navan says so of; of bookings those on its price.
with expense_taxes as (
    select
        'expense' as source,
        taxes.country,
        expenses.legal_entity,
        expenses.month,
        expenses.currency,
        taxes.tax_code,
        -- Of what the employee bears a part of, the company's part.
        case
            when expenses.cost_amount = expenses.posted_amount then taxes.tax_amount
            else {{ navan.prorate('taxes.tax_amount', 'expenses.cost_amount', 'expenses.posted_amount') }}
        end as tax_amount
    from {{ ref('fct_expenses') }} as expenses
    inner join {{ ref('int_navan__expense_taxes') }} as taxes on expenses.transaction_id = taxes.transaction_id
    where expenses.is_in_spend and taxes.is_reclaimable
),

booking_taxes as (
    select
        'booking' as source,
        taxes.country,
        bookings.legal_entity,
        bookings.month,
        bookings.currency,
        taxes.tax_code,
        taxes.tax_amount
    from {{ ref('fct_bookings') }} as bookings
    inner join {{ ref('int_navan__booking_taxes') }} as taxes on bookings.booking_uuid = taxes.booking_uuid
    where bookings.is_in_spend and bookings.is_counted
),

taxes as (
    select * from expense_taxes
    union all
    select * from booking_taxes
)

select
    source,
    country,
    legal_entity,
    month,
    currency,
    tax_code,
    {{ navan.total('tax_amount') }} as tax_amount
from taxes
group by source, country, legal_entity, month, currency, tax_code
