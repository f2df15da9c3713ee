-- One row a person whom USER or SCIM_USER has, as the account says that counts.
select
    employee_key,
    employee_id,
    email,
    user_uuid,
    scim_user_id,
    name,
    department,
    cost_center,
    region,
    subsidiary,
    legal_entity,
    manager,
    policy_level,
    is_active
from {{ ref('int_navan__employee_accounts') }}
where account_rank = 1
