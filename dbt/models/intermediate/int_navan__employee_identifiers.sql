-- What bookings and expenses may know a person by, by any account of the person's: each identifier once, so
-- that a join by it never repeats a row.
with identifiers as (
    select
        user_uuid as identifier,
        employee_key
    from {{ ref('int_navan__employee_accounts') }}

    union all

    select
        employee_id as identifier,
        employee_key
    from {{ ref('int_navan__employee_accounts') }}

    union all

    select
        email as identifier,
        employee_key
    from {{ ref('int_navan__employee_accounts') }}
)

select
    identifier,
    min(employee_key) as employee_key
from identifiers
where identifier is not null
group by identifier
