-- What was booked and never used, what did it cost all the same, and which credit is left?
with cancelled as (
    select
        *,
        booking_status as outcome,
        {{ navan.month_of('coalesce(cast(cancelled_at as date), booked_on)') }} as outcome_month
    from {{ ref('fct_bookings') }}
    where booking_status in {{ navan.listed('navan_booking_statuses_cancelled') }}
),

-- Journeys that should have begun, for which no ticket was ever issued.
unticketed as (
    select
        *,
        'UNTICKETED' as outcome,
        {{ navan.month_of('start_date') }} as outcome_month
    from {{ ref('fct_bookings') }}
    where booking_type in ('FLIGHT', 'RAIL')
        and booking_status in ('ACCEPTED', 'CONFIRMED')
        and not has_eticket
        and start_date <= {{ navan.today() }}
),

unused as (
    select * from cancelled
    union all
    select * from unticketed
)

select
    outcome_month as month,
    outcome,
    booking_type,
    currency,
    count(*) as bookings,
    {{ navan.total('coalesce(grand_total, 0)') }} as total_amount,
    {{ navan.total('cost_amount') }} as lost_amount,
    {{ navan.total('unused_credit') }} as unused_credit
from unused
group by outcome_month, outcome, booking_type, currency
