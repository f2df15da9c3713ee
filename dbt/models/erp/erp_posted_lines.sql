{# --full-refresh leaves it alone: what was handed over cannot be made again from what Navan says today. #}
{{ config(materialized='incremental', full_refresh=false, on_schema_change='append_new_columns') }}
{# dbt's own clock is in UTC, whatever the session's is. #}
{% set now = "cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S') ~ "' as " ~ navan.type_timestamp() ~ ')' %}

-- What was handed over, by transaction, each line once and for all: when periods are closed, their journals are written down
-- here, and stay so. A row without a transaction says that a period was closed, also where there was nothing in it.
with closing as (
    select
        {{ navan.erp_closing() }} as closed_through,
        {% if is_incremental() -%}
        (select max(closed_through) from {{ this }}) as closed_before
        {%- else -%}
        cast(null as date) as closed_before
        {%- endif %}
),

-- None, unless there are periods that were not closed before, and expenses: where nothing was loaded, nothing is closed.
new_closing as (
    select closed_through
    from closing
    where
        closed_through is not null
        and (closed_before is null or closed_through > closed_before)
        and exists (select 1 from {{ ref('erp_expenses') }})
),

due as (
    {{ navan.erp_due_lines(this if is_incremental() else none) }}
)

select
    new_closing.closed_through,
    {{ now }} as closed_at,
    due.external_id,
    due.journal_kind,
    due.period,
    due.posting_date,
    due.original_external_id,
    due.transaction_id,
    due.transaction_version,
    due.details_hash,
    due.expense_month,
    {%- for column in navan.erp_line_columns() %}
    due.{{ column }},
    {%- endfor %}
    due.amount
from new_closing
inner join due on new_closing.closed_through >= due.posting_date

union all

select
    closed_through,
    {{ now }} as closed_at,
    cast(null as {{ dbt.type_string() }}) as external_id,
    cast(null as {{ dbt.type_string() }}) as journal_kind,
    {{ navan.month_of('closed_through') }} as period,
    closed_through as posting_date,
    cast(null as {{ dbt.type_string() }}) as original_external_id,
    cast(null as {{ dbt.type_string() }}) as transaction_id,
    cast(null as {{ navan.type_timestamp() }}) as transaction_version,
    cast(null as {{ dbt.type_string() }}) as details_hash,
    cast(null as date) as expense_month,
    {%- for column in navan.erp_line_columns() %}
    cast(null as {{ dbt.type_string() }}) as {{ column }},
    {%- endfor %}
    cast(null as {{ navan.type_number() }}) as amount
from new_closing
