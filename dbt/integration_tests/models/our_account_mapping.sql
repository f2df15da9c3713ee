-- The package's sample, but for meals.
select
    line_kind,
    gl_code_number,
    policy_category,
    tax_code,
    expense_type,
    legal_entity,
    case when gl_code_number = '6030' then '610310' else ledger_account end as ledger_account
from {{ ref('navan_account_mapping') }}
