-- Nothing is lost or doubled between what Navan sends and the facts: rows and sums, by currency as Navan has it.
with staging as (
    select 'booking' as source, {{ navan.first_filled(['upper(currency)']) }} as currency, grand_total as amount
    from {{ ref('stg_navan__booking') }}
    union all
    select 'expense' as source, {{ navan.first_filled(['upper(posted_currency)']) }} as currency, posted_amount as amount
    from {{ ref('stg_navan__transaction') }}
),

facts as (
    select 'booking' as source, currency, grand_total as amount from {{ ref('fct_bookings') }}
    union all
    select 'expense' as source, currency, posted_amount as amount from {{ ref('fct_expenses') }}
),

compared as (
    select source, currency, 1 as sent, 0 as found, coalesce(amount, 0) as amount from staging
    union all
    select source, currency, 0 as sent, 1 as found, -coalesce(amount, 0) as amount from facts
)

select
    source,
    currency,
    sum(sent) as sent,
    sum(found) as found,
    sum(amount) as difference
from compared
group by source, currency
having sum(sent) <> sum(found) or sum(amount) <> 0
