{{ config(severity=var('navan_erp_unmapped_severity')) }}

-- Costs that are in no journal, since no ledger can take them: the mapping lacks something.
select *
from {{ ref('erp_unmapped_lines') }}
