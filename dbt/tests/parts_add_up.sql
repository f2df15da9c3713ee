-- The parts of each booking and expense are its cost, to the last digit; also in the reporting currency.
with costs as (
    select
        'booking' as source,
        booking_uuid as source_id,
        cost_amount,
        reporting_amount,
        is_in_spend
    from {{ ref('fct_bookings') }}

    union all

    select
        'expense' as source,
        transaction_id as source_id,
        cost_amount,
        reporting_amount,
        is_in_spend
    from {{ ref('fct_expenses') }}
),

parts as (
    select
        'booking' as source,
        booking_uuid as source_id,
        sum(amount) as amount
    from {{ ref('int_navan__booking_parts') }}
    group by booking_uuid

    union all

    select
        'expense' as source,
        transaction_id as source_id,
        sum(amount) as amount
    from {{ ref('int_navan__expense_parts') }}
    group by transaction_id
),

spend as (
    select
        source,
        source_id,
        sum(amount) as amount,
        sum(reporting_amount) as reporting_amount
    from {{ ref('fct_spend') }}
    group by source, source_id
)

select
    costs.source,
    costs.source_id,
    costs.cost_amount,
    parts.amount as parts_amount,
    spend.amount as spend_amount,
    costs.reporting_amount,
    spend.reporting_amount as spend_reporting_amount
from costs
left join parts on costs.source = parts.source and costs.source_id = parts.source_id
left join spend on costs.source = spend.source and costs.source_id = spend.source_id
where parts.amount is null
    or costs.cost_amount <> parts.amount
    or costs.is_in_spend <> (spend.amount is not null)
    or costs.cost_amount <> spend.amount
    or costs.reporting_amount <> spend.reporting_amount
