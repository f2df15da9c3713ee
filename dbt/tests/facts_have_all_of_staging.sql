-- Nothing is lost or doubled between what Navan sends and the facts: rows and sums, by currency.
with compared as (
    select
        'booking' as source,
        {{ navan.first_filled(['upper(currency)']) }} as currency,
        1 as sent,
        0 as found,
        coalesce(grand_total, 0) as amount
    from {{ ref('stg_navan__booking') }}

    union all

    select
        'booking' as source,
        currency,
        0 as sent,
        1 as found,
        -coalesce(grand_total, 0) as amount
    from {{ ref('fct_bookings') }}

    union all

    select
        'expense' as source,
        {{ navan.first_filled(['upper(posted_currency)']) }} as currency,
        1 as sent,
        0 as found,
        coalesce(posted_amount, 0) as amount
    from {{ ref('stg_navan__transaction') }}

    union all

    select
        'expense' as source,
        currency,
        0 as sent,
        1 as found,
        -coalesce(posted_amount, 0) as amount
    from {{ ref('fct_expenses') }}
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
