-- What each booking costs the company, and who and which day it belongs to.
with bookings as (
    select
        uuid as booking_uuid,
        coalesce(cast(created as date), start_date, cast(last_modified as date)) as booked_on,
        coalesce(start_date, cast(created as date), cast(last_modified as date)) as incurred_on,
        {{ navan.first_filled(['upper(currency)']) }} as currency,
        coalesce(booking_status in {{ navan.listed('navan_booking_statuses') }}, false) as is_counted,
        net_charge,
        grand_total,
        usd_grand_total,
        credit_credit_used,
        {{ navan.filled('booker_department') }} as booker_department,
        {{ navan.filled('booker_cost_center') }} as booker_cost_center
    from {{ ref('stg_navan__booking') }}
),

-- What was charged in the end, where Navan tells it: also for what was called off. A price that includes an exchange, or is
-- partly paid with a credit, is no reason to add anything.
costs as (
    select
        *,
        net_charge is not null or is_counted as tells_cost,
        cast(
            case
                when net_charge is not null then net_charge
                when is_counted then coalesce(grand_total, 0) - coalesce(credit_credit_used, 0)
                else 0
            end as {{ navan.type_number() }}
        ) as cost_amount
    from bookings
)

select
    costs.booking_uuid,
    costs.booked_on,
    costs.incurred_on,
    costs.currency,
    costs.is_counted,
    costs.tells_cost,
    costs.cost_amount,
    {{ navan.in_reporting_currency(
        'costs.cost_amount', 'costs.currency', 'rates.rate',
        usd_total='costs.usd_grand_total', total='costs.grand_total'
    ) }} as reporting_amount,
    people.employee_key,
    coalesce(costs.booker_department, employees.department, '(none)') as department,
    coalesce(costs.booker_cost_center, employees.cost_center, '(none)') as cost_center,
    coalesce(employees.legal_entity, '(none)') as legal_entity
from costs
left join {{ ref('int_navan__exchange_rates') }} as rates
    on costs.currency = rates.currency
        and costs.booked_on >= rates.valid_from
        and (rates.valid_until is null or costs.booked_on < rates.valid_until)
left join {{ ref('int_navan__booking_people') }} as people
    on costs.booking_uuid = people.booking_uuid and people.person_rank = 1
left join {{ ref('int_navan__employees') }} as employees
    on people.employee_key = employees.employee_key
