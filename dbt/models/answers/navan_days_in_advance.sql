-- How long before the travel is it booked, and what did lateness cost against what was booked two weeks ahead or more?
with bookings as (
    select
        booking_type,
        route_class,
        currency,
        unitary_price,
        units,
        case when lead_days >= 14 then unitary_price end as early_price,
        {{ navan.day_bucket('lead_days', [3, 6, 13, 20]) }} as lead_bucket
    from {{ ref('fct_bookings') }}
    where is_counted and unitary_price is not null and lead_days is not null
),

early as (
    select
        booking_type,
        route_class,
        currency,
        {{ navan.divide('sum(early_price)', 'count(early_price)') }} as reference_price
    from bookings
    group by booking_type, route_class, currency
),

buckets as (
    select
        booking_type,
        route_class,
        currency,
        lead_bucket,
        count(*) as bookings,
        cast(sum(units) as {{ dbt.type_bigint() }}) as units,
        {{ navan.divide('sum(unitary_price)', 'count(*)') }} as average_unit_price
    from bookings
    group by booking_type, route_class, currency, lead_bucket
)

select
    buckets.booking_type,
    buckets.route_class,
    buckets.currency,
    buckets.lead_bucket,
    buckets.bookings,
    buckets.units,
    buckets.average_unit_price,
    early.reference_price,
    cast(
        case
            when buckets.lead_bucket in ('14-20', '21+') then 0
            else (buckets.average_unit_price - early.reference_price) * buckets.units
        end as {{ navan.type_number() }}
    ) as lateness_cost
from buckets
inner join early
    on buckets.booking_type = early.booking_type
        and buckets.route_class = early.route_class
        and buckets.currency = early.currency
