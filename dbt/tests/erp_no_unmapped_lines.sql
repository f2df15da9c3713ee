{# Whoever hands nothing over needs no mapping. #}
{{ config(severity=var('navan_erp_unmapped_severity') or ('error' if var('navan_closed_through') else 'warn')) }}

-- Costs that are in no journal, since no ledger can take them: the mapping lacks something.
select *
from {{ ref('erp_unmapped_lines') }}
