-- What each expense is to the ledger, and whether it is to be handed over.
with described_items as (
    select
        transaction_id,
        {%- for column in ['amount', 'currency', 'gl_code_number', 'department', 'cost_center'] %}
        {{ "|| ', ' || " if not loop.first }}coalesce(cast({{ column }} as {{ dbt.type_string() }}), '')
        {%- endfor %} as item
    from {{ ref('stg_navan__transaction_line_item') }}
),

items as (
    select
        transaction_id,
        {{ navan.erp_joined('item') }} as items
    from described_items
    group by transaction_id
),

expenses as (
    select
        transaction_id,
        modified_at as transaction_version,
        expense_type,
        expense_day,
        month as expense_month,
        approval_status,
        erp_sync_status,
        nullif(currency, '(none)') as currency,
        coalesce(nullif(legal_entity, '(none)'), {{ navan.erp_default_legal_entity() }}) as legal_entity,
        nullif(department, '(none)') as department,
        nullif(cost_center, '(none)') as cost_center,
        nullif(project, '(none)') as project,
        nullif(gl_code_number, '(none)') as gl_code_number,
        nullif(policy_category, '(none)') as policy_category,
        -- The ledger knows cents.
        cast(round(coalesce(posted_amount, 0), 2) as {{ navan.type_number() }}) as posted_amount,
        cast(round(cost_amount, 2) as {{ navan.type_number() }}) as cost_amount,
        coalesce(expense_type in {{ navan.listed('navan_expense_types') }}, false) as is_cost_type
    from {{ ref('fct_expenses') }}
),

with_items as (
    select
        expenses.*,
        items.items
    from expenses
    left join items on expenses.transaction_id = items.transaction_id
)

select
    transaction_id,
    transaction_version,
    -- Line items and custom fields are lists of their own: they may come after the transaction, which is no newer by that.
    {{ dbt.hash("coalesce(project, '') || '; ' || coalesce(items, '')") }} as details_hash,
    expense_type,
    expense_day,
    expense_month,
    currency,
    legal_entity,
    department,
    cost_center,
    project,
    gl_code_number,
    policy_category,
    posted_amount,
    cost_amount,
    -- The company pays the card's whole bill: what is personal or rejected on it, the employee owes. Of what the employee
    -- has laid out, nobody pays that part.
    cast(
        case
            when is_cost_type and expense_type in {{ navan.listed('navan_card_types') }} then posted_amount - cost_amount
            else 0
        end
        as {{ navan.type_number() }}
    ) as employee_amount,
    case
        when not is_cost_type then 'no_cost'
        when approval_status in {{ navan.listed('navan_erp_statuses_held') }} then 'held'
        {%- if var('navan_erp_skip_synced') %}
        when erp_sync_status in {{ navan.listed('navan_erp_synced_statuses') }} then 'synced'
        {%- endif %}
        {%- if var('navan_erp_start') %}
        when expense_day < cast('{{ var("navan_erp_start") }}' as date) then 'earlier'
        {%- endif %}
        else 'due'
    end as handover
from with_items
