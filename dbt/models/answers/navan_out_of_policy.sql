-- Which share of what is booked is out of policy, by number and by money?
with bookings as (
    select
        month,
        department,
        booking_type,
        currency,
        count(*) as bookings,
        count(case when is_out_of_policy then 1 end) as out_of_policy_bookings,
        {{ navan.total('cost_amount') }} as cost,
        {{ navan.total('case when is_out_of_policy then cost_amount else 0 end') }} as out_of_policy_cost
    from {{ ref('fct_bookings') }}
    where is_counted
    group by month, department, booking_type, currency
)

select
    month,
    department,
    booking_type,
    currency,
    bookings,
    out_of_policy_bookings,
    {{ navan.divide('out_of_policy_bookings', 'bookings', 4) }} as share_of_bookings,
    cost,
    out_of_policy_cost,
    {{ navan.divide('out_of_policy_cost', 'cost', 4) }} as share_of_cost
from bookings
