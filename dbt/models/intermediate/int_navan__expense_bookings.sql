-- One row for each booking that an expense is linked to, of those that BOOKING has. Each cost counts once: a booking that a
-- charge covers is told by its expenses, any other one by itself, with what its fees and refunds made of its price.
with links as (
    select
        transaction_id,
        booking_uuid
    from {{ ref('stg_navan__transaction_booking') }}

    union all

    -- In case the list's stream was not synced.
    select
        id as transaction_id,
        navan_booking_uuid as booking_uuid
    from {{ ref('stg_navan__transaction') }}
),

distinct_links as (
    select distinct
        transaction_id,
        booking_uuid
    from links
)

select
    links.transaction_id,
    links.booking_uuid,
    expenses.covers_bookings,
    max(case when expenses.covers_bookings then 1 else 0 end) over (partition by links.booking_uuid) = 1
        as is_booking_covered
from distinct_links as links
inner join {{ ref('int_navan__booking_costs') }} as bookings on links.booking_uuid = bookings.booking_uuid
inner join {{ ref('int_navan__expense_costs') }} as expenses on links.transaction_id = expenses.transaction_id
