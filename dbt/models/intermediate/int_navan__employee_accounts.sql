-- One row an account that USER or SCIM_USER has. The two know each other by the name that the person signs in with.
with users as (
    select
        *,
        lower({{ navan.filled('user_name') }}) as email
    from {{ ref('stg_navan__user') }}
),

directory as (
    select
        *,
        lower({{ navan.filled('user_name') }}) as email
    from {{ ref('stg_navan__scim_user') }}
),

people as (
    select
        users.id as user_uuid,
        directory.id as scim_user_id,
        coalesce(users.email, directory.email) as email,
        coalesce({{ navan.filled('users.employee_id') }}, {{ navan.filled('directory.employee_number') }}) as employee_id,
        coalesce(
            {{ navan.filled("coalesce(users.name_given_name, '') || ' ' || coalesce(users.name_family_name, '')") }},
            {{ navan.filled('directory.display_name') }}
        ) as name,
        coalesce({{ navan.filled('users.department') }}, {{ navan.filled('directory.department') }}) as department,
        coalesce({{ navan.filled('users.cost_centre') }}, {{ navan.filled('directory.cost_center') }}) as cost_center,
        coalesce({{ navan.filled('users.region') }}, {{ navan.filled('directory.region') }}) as region,
        coalesce({{ navan.filled('users.subsidiary') }}, {{ navan.filled('directory.subsidiary') }}) as subsidiary,
        coalesce({{ navan.filled('users.legal_entity_name') }}, {{ navan.filled('directory.legal_entity') }})
            as legal_entity,
        coalesce({{ navan.filled('users.manager_name') }}, {{ navan.filled('directory.manager_name') }}) as manager,
        coalesce({{ navan.filled('users.policy_level') }}, {{ navan.filled('directory.policy_level') }}) as policy_level,
        coalesce(users.active, directory.active) as is_active
    from users
    full outer join directory on users.email = directory.email
),

keyed as (
    select
        *,
        coalesce(employee_id, email, user_uuid, scim_user_id) as employee_key
    from people
)

-- Someone with two accounts is one person: the active account says who.
select
    *,
    row_number() over (
        partition by employee_key
        order by case when is_active then 0 else 1 end, user_uuid, scim_user_id
    ) as account_rank
from keyed
