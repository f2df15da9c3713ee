-- What the company spent, each cost once: one row for each part of an expense, or of a booking that no expense tells of.
with booking_parts as (
    select
        'booking' as source,
        bookings.booking_uuid as source_id,
        parts.part,
        parts.parts,
        parts.share,
        bookings.booking_uuid,
        bookings.booked_on as spent_on,
        bookings.incurred_on,
        parts.department,
        parts.cost_center,
        parts.project,
        bookings.legal_entity,
        bookings.employee_key,
        '(none)' as gl_code_number,
        '(none)' as gl_code_name,
        bookings.vendor,
        bookings.booking_type as category,
        bookings.currency,
        parts.amount,
        bookings.cost_amount,
        bookings.reporting_amount as cost_in_reporting_currency
    from {{ ref('fct_bookings') }} as bookings
    inner join {{ ref('int_navan__booking_parts') }} as parts on bookings.booking_uuid = parts.booking_uuid
    where bookings.is_in_spend
),

expense_parts as (
    select
        'expense' as source,
        expenses.transaction_id as source_id,
        parts.part,
        parts.parts,
        parts.share,
        expenses.booking_uuid,
        expenses.expense_day as spent_on,
        expenses.expense_day as incurred_on,
        parts.department,
        parts.cost_center,
        parts.project,
        expenses.legal_entity,
        expenses.employee_key,
        parts.gl_code_number,
        parts.gl_code_name,
        expenses.vendor,
        expenses.category,
        expenses.currency,
        parts.amount,
        expenses.cost_amount,
        expenses.reporting_amount as cost_in_reporting_currency
    from {{ ref('fct_expenses') }} as expenses
    inner join {{ ref('int_navan__expense_parts') }} as parts on expenses.transaction_id = parts.transaction_id
    where expenses.is_in_spend
),

parts as (
    select * from booking_parts
    union all
    select * from expense_parts
),

-- So that the parts add up in the reporting currency as well, each is a difference of sums.
summed as (
    select
        *,
        sum(amount) over (
            partition by source, source_id
            order by part
            rows between unbounded preceding and current row
        ) as amount_so_far
    from parts
)

select
    source || ':' || source_id || ':' || cast(part as {{ dbt.type_string() }}) as spend_key,
    source,
    source_id,
    part,
    parts,
    share,
    booking_uuid,
    spent_on,
    {{ navan.month_of('spent_on') }} as month,
    {{ navan.fiscal_year('spent_on') }} as fiscal_year,
    {{ navan.fiscal_period('spent_on') }} as fiscal_period,
    incurred_on,
    department,
    cost_center,
    project,
    legal_entity,
    employee_key,
    gl_code_number,
    gl_code_name,
    vendor,
    category,
    currency,
    amount,
    cast(
        {{ navan.prorate('cost_in_reporting_currency', 'amount_so_far', 'cost_amount') }}
        - {{ navan.prorate('cost_in_reporting_currency', '(amount_so_far - amount)', 'cost_amount') }}
        as {{ navan.type_number() }}
    ) as reporting_amount
from summed
