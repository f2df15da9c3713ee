-- One row a trip: the bookings that Navan has put together. A booking can be part of several trips, so that trips do not add up.
with trip_bookings as (
    select
        trips.trip_uuid,
        trips.trip_name,
        trips.trip_description,
        bookings.booking_uuid,
        bookings.is_counted,
        bookings.start_date,
        bookings.end_date,
        bookings.currency,
        bookings.cost_amount,
        bookings.reporting_amount,
        bookings.carbon_kg
    from {{ ref('stg_navan__booking_trip') }} as trips
    inner join {{ ref('fct_bookings') }} as bookings on trips.booking_uuid = bookings.booking_uuid
),

travelers as (
    select
        trips.trip_uuid,
        count(distinct people.employee_key) as travelers
    from trip_bookings as trips
    inner join {{ ref('int_navan__booking_people') }} as people on trips.booking_uuid = people.booking_uuid
    where people.role = 'passenger'
    group by trips.trip_uuid
)

select
    trips.trip_uuid,
    max(trips.trip_name) as trip_name,
    max(trips.trip_description) as trip_description,
    min(trips.start_date) as start_date,
    max(trips.end_date) as end_date,
    count(*) as bookings,
    count(case when trips.is_counted then 1 end) as bookings_counted,
    coalesce(max(travelers.travelers), 0) as travelers,
    count(distinct trips.currency) as currencies,
    -- Amounts of several currencies make no sum.
    case when count(distinct trips.currency) = 1 then max(trips.currency) end as currency,
    case when count(distinct trips.currency) = 1 then {{ navan.total('trips.cost_amount') }} end as cost_amount,
    {{ navan.sum_if_all_known('trips.reporting_amount') }} as reporting_amount,
    {{ navan.total('case when trips.is_counted then trips.carbon_kg end') }} as carbon_kg
from trip_bookings as trips
left join travelers on trips.trip_uuid = travelers.trip_uuid
group by trips.trip_uuid
