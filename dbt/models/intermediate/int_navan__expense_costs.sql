-- What each expense costs the company, and who and which day it belongs to.
with expenses as (
    select
        id as transaction_id,
        {{ navan.expense_type('record_type') }} as expense_type,
        coalesce(transaction_date, posted_date, cast(posted_date_time as date), cast(modified_timestamp as date))
            as expense_day,
        {{ navan.first_filled(['upper(posted_currency)']) }} as currency,
        posted_amount,
        upper({{ navan.filled('original_currency') }}) as original_currency,
        original_amount,
        personal_amount,
        rejected_amount,
        coalesce(personal, false) as is_personal,
        coalesce(approval_status in {{ navan.listed('navan_expense_statuses_ignored') }}, false) as is_rejected,
        {{ navan.filled('employee_id') }} as employee_id,
        lower({{ navan.filled('cardholder_email') }}) as email,
        coalesce({{ navan.filled('traveler_department') }}, {{ navan.filled('department') }}) as department,
        coalesce({{ navan.filled('traveler_cost_center') }}, {{ navan.filled('cost_center') }}) as cost_center,
        {{ navan.filled('legal_entity') }} as legal_entity
    from {{ ref('stg_navan__transaction') }}
),

-- Signs are Navan's: a purchase is positive, a refund negative. What the employee bears is no cost.
costs as (
    select
        *,
        coalesce(
            expense_type in {{ navan.listed('navan_expense_types') }} and not is_rejected and not is_personal, false
        ) as is_cost,
        coalesce(posted_amount, 0) - coalesce(personal_amount, 0) - coalesce(rejected_amount, 0) as company_amount,
        -- A charge tells what its bookings cost. A fee, an adjustment or a refund alone does not.
        coalesce(
            expense_type in {{ navan.listed('navan_covering_types') }} and not is_rejected and posted_amount > 0, false
        ) as covers_bookings
    from expenses
),

counted as (
    select
        *,
        cast(case when is_cost then company_amount else 0 end as {{ navan.type_number() }}) as cost_amount
    from costs
)

select
    counted.transaction_id,
    counted.expense_type,
    counted.expense_day,
    counted.currency,
    counted.posted_amount,
    counted.original_currency,
    counted.original_amount,
    counted.is_cost,
    counted.covers_bookings,
    counted.cost_amount,
    {{ navan.in_reporting_currency('counted.cost_amount', 'counted.currency', 'rates.rate') }} as reporting_amount,
    coalesce(employees.employee_key, counted.employee_id, counted.email) as employee_key,
    coalesce(counted.department, employees.department, '(none)') as department,
    coalesce(counted.cost_center, employees.cost_center, '(none)') as cost_center,
    coalesce(counted.legal_entity, employees.legal_entity, '(none)') as legal_entity
from counted
left join {{ ref('int_navan__exchange_rates') }} as rates
    on counted.currency = rates.currency
        and counted.expense_day >= rates.valid_from
        and (rates.valid_until is null or counted.expense_day < rates.valid_until)
left join {{ ref('int_navan__employee_identifiers') }} as by_employee_id
    on counted.employee_id = by_employee_id.identifier
left join {{ ref('int_navan__employee_identifiers') }} as by_email
    on counted.email = by_email.identifier
left join {{ ref('int_navan__employees') }} as employees
    on coalesce(by_employee_id.employee_key, by_email.employee_key) = employees.employee_key
