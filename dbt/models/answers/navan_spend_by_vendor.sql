-- Whom does the money go to?
with vendors as (
    select
        cast(extract(year from spent_on) as integer) as year,
        vendor,
        category,
        currency,
        count(distinct source || ':' || source_id) as costs,
        {{ navan.total('amount') }} as spend
    from {{ ref('fct_spend') }}
    group by 1, 2, 3, 4
),

shares as (
    select
        *,
        sum(spend) over (partition by year, currency) as all_spend
    from vendors
)

select
    year,
    vendor,
    category,
    currency,
    costs,
    spend,
    {{ navan.divide('spend', 'all_spend', 4) }} as share
from shares
