-- How the ERP calls what Navan calls otherwise, as texts; see erp_account_mapping.
select
    {{ navan.erp_text('dimension') }} as dimension,
    {{ navan.erp_text('navan_name') }} as navan_name,
    {{ navan.erp_text('netsuite_name') }} as netsuite_name,
    {{ navan.erp_text('sap_code') }} as sap_code
from {{ ref(var('navan_erp_names')) }}
