-- Lines that no ledger can take, and what they lack. Their transactions are in no journal until the mapping has them.
select
    transaction_id,
    line_number,
    line_kind,
    expense_type,
    legal_entity,
    currency,
    gl_code_number,
    policy_category,
    tax_code,
    amount,
    case
        when legal_entity is null then 'no legal entity'
        when currency is null then 'no currency'
        else 'no ledger account'
    end as reason
from {{ ref('erp_transaction_lines') }}
where legal_entity is null or currency is null or ledger_account is null
