{# The hand-over to the ERP: what its models have in common. #}


{# A cell of a mapping, as text. #}
{% macro erp_text(column) -%}
    {{ navan.filled('cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}


{# What tells the lines of a journal apart, but for the amount. #}
{% macro erp_line_columns() %}
    {{- return([
        'line_kind',
        'legal_entity',
        'currency',
        'ledger_account',
        'gl_code_number',
        'department',
        'cost_center',
        'project',
        'tax_code',
    ]) -}}
{% endmacro %}


{# Each kind of line has a place, so that the lines of a journal always stand in one order. #}
{% macro erp_line_order(line_kind) -%}
    case {{ line_kind }} when 'cost' then 1 when 'tax' then 2 when 'employee' then 3 else 4 end
{%- endmacro %}


{# The identifier of a journal: the same for the same period, entity, currency and kind, whenever it is asked for. It has 16
   characters, since SAP's reference has no more; that two journals have the same one is tested for. #}
{% macro erp_external_id(legal_entity, currency, period, journal_kind) -%}
    {%- set parts = [legal_entity, currency, journal_kind] -%}
    'NV'
    || cast(cast(extract(year from {{ period }}) as integer) * 100 + cast(extract(month from {{ period }}) as integer)
        as {{ dbt.type_string() }})
    || substring({{ dbt.hash(parts | join(" || '|' || ")) }}, 1, 8)
{%- endmacro %}


{# The last day of the periods that are closed by now. #}
{% macro erp_closing() -%}
    {%- set closed_through = var('navan_closed_through') -%}
    {%- if closed_through -%}
        {%- if execute -%}
            {{- navan.erp_check_closing(closed_through | string) -}}
        {%- endif -%}
        cast('{{ closed_through }}' as date)
    {%- else -%}
        cast(null as date)
    {%- endif -%}
{%- endmacro %}


{# What is handed over cannot be undone, so that a slip is an error. #}
{% macro erp_check_closing(closed_through) -%}
    {%- set today = (var('navan_today') or run_started_at.strftime('%Y-%m-%d')) | string -%}
    {%- set refused = 'navan_closed_through is ' ~ closed_through ~ ', which is ' -%}
    {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', closed_through) -%}
        {{ exceptions.raise_compiler_error(refused ~ 'no day such as 2026-10-31.') }}
    {%- endif -%}
    {%- if closed_through >= today -%}
        {{ exceptions.raise_compiler_error(refused ~ 'not over on ' ~ today ~ ': close a period that is.') }}
    {%- endif -%}
    {%- set day = modules.datetime.date.fromisoformat(closed_through) -%}
    {%- if (day + modules.datetime.timedelta(days=1)).day != 1 -%}
        {{ exceptions.raise_compiler_error(refused ~ 'not the last day of a month.') }}
    {%- endif -%}
    {%- if var('navan_account_mapping') == 'navan_account_mapping' -%}
        {{ exceptions.raise_compiler_error(
            'No period can be closed with the sample of an account mapping: copy it into your project under another name,'
            ~ ' fill it with your accounts, and say its name in navan_account_mapping.'
        ) }}
    {%- endif -%}
{%- endmacro %}


{# The texts of a group as one, in an order that does not depend on that of the rows. #}
{% macro erp_joined(text) %}
    {{- return(adapter.dispatch('erp_joined', 'navan')(text)) -}}
{% endmacro %}

{% macro default__erp_joined(text) -%}
    {{ dbt.listagg(text, "'; '", 'order by ' ~ text) }}
{%- endmacro %}

{% macro databricks__erp_joined(text) -%}
    array_join(array_sort(collect_list({{ text }})), '; ')
{%- endmacro %}


{# The lines that are still to be handed over: what transactions amount to now, less what was handed over of them. `memory` is
   erp_posted_lines, or none before anything was.

   A transaction is looked at again once it or its lists have changed since, not when a mapping or an employee's department has.
   What Navan's own sync has posted meanwhile is taken back here, since it is in the ledger twice; so is what has become no cost,
   or older than the hand-over. What waits for another decision, or is gone from Navan, stays as it is: the API does not tell
   whether it was deleted or is only out of reach. #}
{% macro erp_due_lines(memory) %}
    {%- set line_columns = navan.erp_line_columns() -%}
    with memory as (
        {%- if memory %}
        select * from {{ memory }}
        {%- else %}
        select
            cast(null as date) as closed_through,
            cast(null as {{ dbt.type_string() }}) as transaction_id,
            cast(null as {{ navan.type_timestamp() }}) as transaction_version,
            cast(null as {{ dbt.type_string() }}) as details_hash,
            cast(null as {{ dbt.type_string() }}) as external_id,
            cast(null as {{ dbt.type_string() }}) as original_external_id,
            {%- for column in line_columns %}
            cast(null as {{ dbt.type_string() }}) as {{ column }},
            {%- endfor %}
            cast(null as {{ navan.type_number() }}) as amount
        from {{ ref('erp_expenses') }}
        where 1 = 0
        {%- endif %}
    ),

    closed as (
        select max(closed_through) as closed_through from memory
    ),

    closings as (
        select
            *,
            max(closed_through) over (partition by transaction_id) as last_closed_through
        from memory
        where transaction_id is not null
    ),

    -- Where each transaction was handed over first, and in which version last.
    handed_over as (
        select
            transaction_id,
            max(transaction_version) as transaction_version,
            max(case when closed_through = last_closed_through then details_hash end) as details_hash,
            min(coalesce(original_external_id, external_id)) as original_external_id
        from closings
        group by transaction_id
    ),

    changed as (
        select
            expenses.transaction_id,
            expenses.transaction_version,
            expenses.details_hash,
            expenses.expense_month,
            handed_over.original_external_id,
            closed.closed_through,
            coalesce(
                handed_over.transaction_id is not null or expenses.expense_month <= closed.closed_through, false
            ) as is_correction
        from {{ ref('erp_expenses') }} as expenses
        cross join closed
        left join handed_over on expenses.transaction_id = handed_over.transaction_id
        left join {{ ref('erp_unmapped_lines') }} as unmapped on expenses.transaction_id = unmapped.transaction_id
        where
            expenses.handover <> 'held'
            and unmapped.transaction_id is null
            and (
                handed_over.transaction_id is null
                or expenses.transaction_version > handed_over.transaction_version
                or expenses.details_hash <> handed_over.details_hash
                or expenses.handover = 'synced'
            )
    ),

    now_less_handed_over as (
        select
            lines.transaction_id,
            {%- for column in line_columns %}
            lines.{{ column }},
            {%- endfor %}
            lines.amount
        from {{ ref('erp_transaction_lines') }} as lines
        inner join changed on lines.transaction_id = changed.transaction_id

        union all

        select
            memory.transaction_id,
            {%- for column in line_columns %}
            memory.{{ column }},
            {%- endfor %}
            -memory.amount as amount
        from memory
        inner join changed on memory.transaction_id = changed.transaction_id
    ),

    differences as (
        select
            transaction_id,
            {%- for column in line_columns %}
            {{ column }},
            {%- endfor %}
            sum(amount) as amount
        from now_less_handed_over
        group by
            transaction_id,
            {{ line_columns | join(', ') }}
        having sum(amount) <> 0
    ),

    -- A correction goes to the first period that is open.
    dated as (
        select
            differences.*,
            changed.transaction_version,
            changed.details_hash,
            changed.expense_month,
            changed.original_external_id,
            case when changed.is_correction then 'corrections' else 'expenses' end as journal_kind,
            case
                when changed.is_correction then cast({{ dbt.dateadd('day', 1, 'changed.closed_through') }} as date)
                else changed.expense_month
            end as period
        from differences
        inner join changed on differences.transaction_id = changed.transaction_id
    )

    select
        {{ navan.erp_external_id('legal_entity', 'currency', 'period', 'journal_kind') }} as external_id,
        journal_kind,
        period,
        cast({{ dbt.last_day('period', 'month') }} as date) as posting_date,
        original_external_id,
        transaction_id,
        transaction_version,
        details_hash,
        expense_month,
        {%- for column in line_columns %}
        {{ column }},
        {%- endfor %}
        cast(amount as {{ navan.type_number() }}) as amount
    from dated
{% endmacro %}


{# The entity of what belongs to none, such as the fees and rebates of the company's account. #}
{% macro erp_default_legal_entity() -%}
    {%- set legal_entity = var('navan_erp_default_legal_entity') -%}
    {%- if legal_entity -%} '{{ legal_entity | replace("'", "''") }}'
    {%- else -%} cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
