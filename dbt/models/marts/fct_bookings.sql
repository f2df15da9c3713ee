-- One row a booking.
with coverage as (
    select
        booking_uuid,
        count(case when covers_bookings and is_booking_covered then 1 end) as covering_expenses
    from {{ ref('int_navan__expense_bookings') }}
    group by booking_uuid
),

first_parts as (
    select
        booking_uuid,
        parts,
        department,
        cost_center,
        project
    from {{ ref('int_navan__booking_parts') }}
    where part = 1
),

passengers as (
    select
        booking_uuid,
        count(*) as passengers
    from {{ ref('stg_navan__booking_passenger') }}
    group by booking_uuid
)

select
    bookings.uuid as booking_uuid,
    bookings.booking_id,
    {{ navan.first_filled(['bookings.booking_type']) }} as booking_type,
    {{ navan.first_filled(['bookings.booking_status']) }} as booking_status,
    costs.is_counted,
    coalesce(coverage.covering_expenses, 0) > 0 as is_covered,
    coalesce(coverage.covering_expenses, 0) = 0 and costs.cost_amount <> 0 as is_in_spend,
    bookings.created as created_at,
    bookings.last_modified as modified_at,
    bookings.cancelled_at,
    costs.booked_on,
    {{ navan.month_of('costs.booked_on') }} as month,
    {{ navan.fiscal_year('costs.booked_on') }} as fiscal_year,
    {{ navan.fiscal_period('costs.booked_on') }} as fiscal_period,
    costs.incurred_on,
    bookings.start_date,
    bookings.end_date,
    coalesce(bookings.lead_time_in_days, {{ dbt.datediff('costs.booked_on', 'bookings.start_date', 'day') }})
        as lead_days,
    case
        when bookings.booking_type <> 'HOTEL' then null
        when bookings.start_date <= bookings.end_date
            then greatest({{ dbt.datediff('bookings.start_date', 'bookings.end_date', 'day') }}, 1)
        else greatest(cast(coalesce(bookings.booking_duration, 1) as {{ dbt.type_int() }}), 1)
    end as nights,
    costs.currency,
    costs.cost_amount,
    costs.reporting_amount,
    bookings.grand_total,
    bookings.usd_grand_total,
    bookings.net_charge,
    bookings.base_price,
    bookings.tax,
    bookings.unitary_price,
    case
        when bookings.base_price > 0 and bookings.unitary_price > 0
            then
                greatest(
                    cast({{ navan.divide('bookings.base_price', 'bookings.unitary_price', 0) }} as {{ dbt.type_bigint() }}), 1
                )
        else 1
    end as units,
    bookings.credit_credit_used as credit_used,
    coalesce(
        bookings.credit_residual_credit,
        bookings.credit_credit_available - coalesce(bookings.credit_credit_used, 0),
        0
    ) as unused_credit,
    coalesce(coverage.covering_expenses, 0) as covering_expenses,
    first_parts.parts,
    first_parts.department,
    first_parts.cost_center,
    first_parts.project,
    costs.legal_entity,
    costs.employee_key,
    coalesce(passengers.passengers, 0) as passengers,
    {{ navan.first_filled(['bookings.vendor']) }} as vendor,
    case
        when bookings.domestic then 'domestic'
        when not bookings.domestic then 'international'
        else '(none)'
    end as route_class,
    {{ navan.first_filled(['bookings.origin_city']) }} as origin_city,
    {{ navan.first_filled(['bookings.origin_country']) }} as origin_country,
    {{ navan.first_filled(['bookings.origin_country_code']) }} as origin_country_code,
    {{ navan.first_filled(['bookings.destination_city']) }} as destination_city,
    {{ navan.first_filled(['bookings.destination_country']) }} as destination_country,
    {{ navan.first_filled(['bookings.destination_country_code']) }} as destination_country_code,
    coalesce(bookings.out_of_policy, false) as is_out_of_policy,
    bookings.approval_status,
    bookings.carbon_emissions as carbon_kg,
    {{ navan.json_array_length('bookings.etickets') }} > 0 as has_eticket,
    bookings.synced_at
from {{ ref('stg_navan__booking') }} as bookings
inner join {{ ref('int_navan__booking_costs') }} as costs on bookings.uuid = costs.booking_uuid
inner join first_parts on bookings.uuid = first_parts.booking_uuid
left join coverage on bookings.uuid = coverage.booking_uuid
left join passengers on bookings.uuid = passengers.booking_uuid
