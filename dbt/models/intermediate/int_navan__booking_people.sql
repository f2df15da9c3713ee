-- One row for each passenger of a booking and one for its booker, with who that is in USER.
with people as (
    select
        booking_uuid,
        'passenger' as role,
        position,
        {{ navan.filled('person_uuid') }} as person_uuid,
        coalesce({{ navan.filled('person_employee_id') }}, {{ navan.filled('person_employeed_id') }}) as employee_id,
        lower({{ navan.filled('person_email') }}) as email,
        {{ navan.filled('person_name') }} as person_name
    from {{ ref('stg_navan__booking_passenger') }}

    union all

    select
        uuid as booking_uuid,
        'booker' as role,
        0 as position,
        {{ navan.filled('booker_uuid') }} as person_uuid,
        coalesce({{ navan.filled('booker_employee_id') }}, {{ navan.filled('booker_employeed_id') }}) as employee_id,
        lower({{ navan.filled('booker_email') }}) as email,
        {{ navan.filled('booker_name') }} as person_name
    from {{ ref('stg_navan__booking') }}
),

known as (
    select
        people.*,
        coalesce(by_uuid.employee_key, by_employee_id.employee_key, by_email.employee_key) as known_key
    from people
    left join {{ ref('int_navan__employee_identifiers') }} as by_uuid
        on people.person_uuid = by_uuid.identifier
    left join {{ ref('int_navan__employee_identifiers') }} as by_employee_id
        on people.employee_id = by_employee_id.identifier
    left join {{ ref('int_navan__employee_identifiers') }} as by_email
        on people.email = by_email.identifier
),

keyed as (
    select
        *,
        coalesce(known_key, employee_id, email, person_uuid) as employee_key
    from known
)

select
    booking_uuid,
    role,
    position,
    employee_key,
    person_name,
    -- Whose cost it is: the first passenger who is an employee, else the booker; of strangers the first.
    row_number() over (
        partition by booking_uuid
        order by
            case when known_key is null then 1 else 0 end,
            case when role = 'passenger' then 0 else 1 end,
            position
    ) as person_rank
from keyed
where employee_key is not null or person_name is not null
