-- One row a leg of a booking's travel, in the order of travel.
with segments as (
    select
        *,
        {{ navan.moment('start_timestamp') }} as starts_at,
        {{ navan.moment('end_timestamp') }} as ends_at
    from {{ ref('stg_navan__booking_segment') }}
)

select
    segments.booking_uuid || ':' || cast(segments.position as {{ dbt.type_string() }}) as segment_key,
    segments.booking_uuid,
    segments.position,
    bookings.booking_type,
    bookings.booking_status,
    bookings.is_counted,
    bookings.employee_key,
    segments.starts_at,
    segments.ends_at,
    segments.start_local_date_time as starts_at_local,
    segments.end_local_date_time as ends_at_local,
    case
        when segments.starts_at <= segments.ends_at
            then cast(round((segments.end_timestamp - segments.start_timestamp) / 60) as {{ dbt.type_bigint() }})
    end as minutes,
    segments.departure_city,
    segments.departure_country,
    segments.departure_country_code,
    segments.departure_airport_code,
    segments.arrival_city,
    segments.arrival_country,
    segments.arrival_country_code,
    segments.arrival_airport_code,
    segments.provider_code,
    segments.provider_name,
    segments.flight_number,
    segments.airline_alliance,
    segments.hotel_chain,
    segments.cabin,
    segments.cabin_purchased,
    segments.fare_class
from segments
inner join {{ ref('fct_bookings') }} as bookings on segments.booking_uuid = bookings.booking_uuid
