-- What does a night in a hotel cost, city by city?
with stays as (
    select
        destination_country as country,
        destination_city as city,
        currency,
        {{ navan.month_of('incurred_on') }} as month,
        nights,
        unitary_price as rate
    from {{ ref('fct_bookings') }}
    where booking_type = 'HOTEL' and is_counted and unitary_price is not null
),

ranked as (
    select
        *,
        row_number() over (partition by country, city, currency, month order by rate) as place,
        count(*) over (partition by country, city, currency, month) as stays
    from stays
),

-- The one in the middle, or the two.
middle as (
    select
        *,
        case when place * 2 between stays and stays + 2 then rate end as middle_rate
    from ranked
)

select
    country,
    city,
    currency,
    month,
    count(*) as bookings,
    cast(sum(nights) as {{ dbt.type_bigint() }}) as nights,
    {{ navan.divide('sum(rate * nights)', 'sum(nights)') }} as average_rate,
    {{ navan.divide('sum(middle_rate)', 'count(middle_rate)') }} as median_rate
from middle
group by country, city, currency, month
