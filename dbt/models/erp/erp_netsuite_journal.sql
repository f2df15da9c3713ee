-- The journals of closed periods in the columns of NetSuite's CSV import of journal entries.
select
    lines.external_id as {{ adapter.quote('External ID') }},
    lines.posting_date as {{ adapter.quote('Date') }},
    {{ navan.erp_month_name('lines.period') }} as {{ adapter.quote('Posting Period') }},
    coalesce(legal_entity_names.netsuite_name, lines.legal_entity) as {{ adapter.quote('Subsidiary') }},
    lines.currency as {{ adapter.quote('Currency') }},
    {{ navan.erp_journal_memo('lines.journal_kind', 'lines.period') }} as {{ adapter.quote('Memo') }},
    lines.ledger_account as {{ adapter.quote('Account') }},
    cast(lines.debit as {{ navan.type_amount() }}) as {{ adapter.quote('Debit') }},
    cast(lines.credit as {{ navan.type_amount() }}) as {{ adapter.quote('Credit') }},
    {{ navan.erp_line_memo('lines') }} as {{ adapter.quote('Line Memo') }},
    -- A project is known to NetSuite only if somebody says as what.
    project_names.netsuite_name as {{ adapter.quote('Name') }},
    coalesce(department_names.netsuite_name, lines.department) as {{ adapter.quote('Department') }},
    coalesce(cost_center_names.netsuite_name, lines.cost_center) as {{ adapter.quote('Class') }}
from {{ ref('erp_journal_lines') }} as lines
{{- navan.erp_join_names('lines', ['legal_entity', 'project', 'department', 'cost_center']) }}
where lines.is_closed
