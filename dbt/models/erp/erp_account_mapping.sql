-- The company's mapping of accounts, as texts: what a seed has only numbers in, or nothing, is of another type there.
select
    {{ navan.erp_text('line_kind') }} as line_kind,
    {{ navan.erp_text('gl_code_number') }} as gl_code_number,
    {{ navan.erp_text('policy_category') }} as policy_category,
    {{ navan.erp_text('tax_code') }} as tax_code,
    {{ navan.erp_text('expense_type') }} as expense_type,
    {{ navan.erp_text('legal_entity') }} as legal_entity,
    {{ navan.erp_text('ledger_account') }} as ledger_account
from {{ ref(var('navan_account_mapping')) }}
