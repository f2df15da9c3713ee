-- The journals of closed periods in the columns of SAP S/4HANA's sheet "Upload General Journal Entries": a row a line item,
-- with the header of its journal entry.
select
    lines.external_id,
    lines.line_number,
    lines.posting_date,
    coalesce(legal_entity_names.sap_code, lines.legal_entity) as header_bukrs,
    '{{ var("navan_sap_journal_entry_type") }}' as header_blart,
    {{ navan.erp_date_digits('lines.posting_date') }} as header_bldat,
    {{ navan.erp_date_digits('lines.posting_date') }} as header_budat,
    cast({{ navan.fiscal_period('lines.period') }} as {{ dbt.type_string() }}) as header_monat,
    {{ navan.erp_journal_memo('lines.journal_kind', 'lines.period') }} as header_bktxt,
    lines.currency as header_waers,
    lines.external_id as header_xblnr,
    coalesce(legal_entity_names.sap_code, lines.legal_entity) as bukrs,
    lines.ledger_account as hkont,
    {{ navan.erp_line_memo('lines') }} as sgtxt,
    cast(cast(lines.debit as {{ navan.type_amount() }}) as {{ dbt.type_string() }}) as wrsol,
    cast(cast(lines.credit as {{ navan.type_amount() }}) as {{ dbt.type_string() }}) as wrhab,
    -- Tax codes and projects are known to SAP only if somebody says as what.
    tax_code_names.sap_code as mwskz,
    coalesce(cost_center_names.sap_code, lines.cost_center) as kostl,
    project_names.sap_code as ps_posid,
    lines.original_external_id as zuonr
from {{ ref('erp_journal_lines') }} as lines
{{- navan.erp_join_names('lines', ['legal_entity', 'tax_code', 'cost_center', 'project']) }}
where lines.is_closed
