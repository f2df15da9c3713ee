-- One row a person: those of USER and SCIM_USER, and those whom only bookings and expenses name.
with named as (
    select
        employee_key,
        person_name as name
    from {{ ref('int_navan__booking_people') }}
    where employee_key is not null

    union all

    select
        employee_key,
        {{ navan.filled('cardholder') }} as name
    from {{ ref('fct_expenses') }}
    where employee_key is not null
),

others as (
    select
        named.employee_key,
        max(named.name) as name
    from named
    left join {{ ref('int_navan__employees') }} as employees on named.employee_key = employees.employee_key
    where employees.employee_key is null
    group by named.employee_key
)

select
    employee_key,
    employee_id,
    email,
    user_uuid,
    scim_user_id,
    {{ navan.first_filled(['name']) }} as name,
    {{ navan.first_filled(['department']) }} as department,
    {{ navan.first_filled(['cost_center']) }} as cost_center,
    {{ navan.first_filled(['region']) }} as region,
    {{ navan.first_filled(['subsidiary']) }} as subsidiary,
    {{ navan.first_filled(['legal_entity']) }} as legal_entity,
    manager,
    policy_level,
    is_active,
    true as is_user
from {{ ref('int_navan__employees') }}

union all

select
    employee_key,
    cast(null as {{ dbt.type_string() }}) as employee_id,
    cast(null as {{ dbt.type_string() }}) as email,
    cast(null as {{ dbt.type_string() }}) as user_uuid,
    cast(null as {{ dbt.type_string() }}) as scim_user_id,
    {{ navan.first_filled(['name']) }} as name,
    '(none)' as department,
    '(none)' as cost_center,
    '(none)' as region,
    '(none)' as subsidiary,
    '(none)' as legal_entity,
    cast(null as {{ dbt.type_string() }}) as manager,
    cast(null as {{ dbt.type_string() }}) as policy_level,
    cast(null as {{ dbt.type_boolean() }}) as is_active,
    false as is_user
from others
