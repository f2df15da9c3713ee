-- Rates into the reporting currency, each with the days on which it is good: from its own until a newer one. None without one.
with rates as (
    select
        upper(from_currency) as currency,
        cast(valid_from as date) as valid_from,
        cast(rate as {{ navan.type_number() }}) as rate
    from {{ ref(var('navan_exchange_rates')) }}
    where upper(to_currency) = '{{ navan.reporting_currency() }}'
)

select
    currency,
    valid_from,
    rate,
    lead(valid_from) over (partition by currency order by valid_from) as valid_until
from rates
