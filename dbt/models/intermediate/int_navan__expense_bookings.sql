-- One row for each booking that an expense is linked to, of those that BOOKING has. Each cost counts once: a booking that
-- charges cover is told by its expenses, any other one by itself, with what its fees and refunds made of its price.
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
),

-- What each charge says of a booking's cost, in the booking's currency; null where it says it in others only.
charges as (
    select
        links.transaction_id,
        links.booking_uuid,
        bookings.cost_amount,
        bookings.tells_cost,
        expenses.covers_bookings,
        case
            when not expenses.covers_bookings then null
            when expenses.original_currency = bookings.currency and expenses.original_amount is not null
                then expenses.original_amount
            when expenses.currency = bookings.currency then expenses.posted_amount
        end as charged_amount
    from distinct_links as links
    inner join {{ ref('int_navan__booking_costs') }} as bookings on links.booking_uuid = bookings.booking_uuid
    inner join {{ ref('int_navan__expense_costs') }} as expenses on links.transaction_id = expenses.transaction_id
),

summed as (
    select
        *,
        max(case when covers_bookings then 1 else 0 end) over (partition by booking_uuid) = 1 as is_charged,
        sum(charged_amount) over (partition by booking_uuid) as booking_charged_amount
    from charges
),

-- A minibar is no hotel: the charges are to reach a share of the cost.
covered as (
    select
        *,
        is_charged
        and coalesce(booking_charged_amount >= cost_amount * {{ var('navan_covering_share') }}, true) as is_booking_covered
    from summed
)

select
    transaction_id,
    booking_uuid,
    covers_bookings,
    is_booking_covered,
    tells_cost and not is_booking_covered as is_told_by_booking
from covered
