-- What each transaction amounts to now, as lines that add up to zero: debit is positive. Only what is to be handed over.
with expenses as (
    select *
    from {{ ref('erp_expenses') }}
    where handover = 'due' and (cost_amount <> 0 or employee_amount <> 0)
),

-- Line items that can be used: each says how much, and in the currency in which the whole was posted.
items as (
    select
        items.transaction_id,
        items.position,
        items.amount,
        {{ navan.filled('items.gl_code_number') }} as gl_code_number,
        {{ navan.filled('items.department') }} as department,
        {{ navan.filled('items.cost_center') }} as cost_center,
        min(case when items.amount is null or upper(items.currency) <> expenses.currency then 0 else 1 end)
            over (partition by items.transaction_id) as is_usable
    from {{ ref('stg_navan__transaction_line_item') }} as items
    inner join expenses on items.transaction_id = expenses.transaction_id
    where expenses.cost_amount <> 0 and expenses.posted_amount <> 0
),

-- As much of each as the company bears of the whole.
item_costs as (
    select
        items.transaction_id,
        items.position,
        coalesce(items.gl_code_number, expenses.gl_code_number) as gl_code_number,
        coalesce(items.department, expenses.department) as department,
        coalesce(items.cost_center, expenses.cost_center) as cost_center,
        {{ navan.prorate('items.amount', 'expenses.cost_amount', 'expenses.posted_amount') }} as cost_amount
    from items
    inner join expenses on items.transaction_id = expenses.transaction_id
    where items.is_usable = 1
),

itemized as (
    select
        transaction_id,
        sum(cost_amount) as cost_amount
    from item_costs
    group by transaction_id
),

-- What the items leave, or everything where there are none, is the transaction's own.
costs as (
    select
        transaction_id,
        position,
        gl_code_number,
        department,
        cost_center,
        cost_amount
    from item_costs

    union all

    select
        expenses.transaction_id,
        -1 as position,
        expenses.gl_code_number,
        expenses.department,
        expenses.cost_center,
        expenses.cost_amount - coalesce(itemized.cost_amount, 0) as cost_amount
    from expenses
    left join itemized on expenses.transaction_id = itemized.transaction_id
    where expenses.cost_amount <> coalesce(itemized.cost_amount, 0)
),

-- Tax that is not reclaimable, or of which nobody says so, is a cost like any other.
taxes as (
    select
        parts.transaction_id,
        nullif(parts.tax_code, '(none)') as tax_code,
        {{ navan.prorate('sum(parts.tax_amount)', 'max(expenses.cost_amount)', 'max(expenses.posted_amount)') }}
            as tax_amount
    from {{ ref('int_navan__expense_taxes') }} as parts
    inner join expenses on parts.transaction_id = expenses.transaction_id
    where parts.is_reclaimable and expenses.cost_amount <> 0 and expenses.posted_amount <> 0
    group by parts.transaction_id, parts.tax_code
),

tax_totals as (
    select
        transaction_id,
        sum(tax_amount) as tax_amount
    from taxes
    group by transaction_id
),

-- The costs share the tax; what rounding leaves of it goes to the largest.
shared as (
    select
        costs.*,
        coalesce(taxes.tax_amount, 0) as tax_amount,
        coalesce({{ navan.prorate('taxes.tax_amount', 'costs.cost_amount', 'expenses.cost_amount') }}, 0) as tax_share,
        row_number() over (partition by costs.transaction_id order by abs(costs.cost_amount) desc, costs.position)
            as size_rank
    from costs
    inner join expenses on costs.transaction_id = expenses.transaction_id
    left join tax_totals as taxes on costs.transaction_id = taxes.transaction_id
),

net_costs as (
    select
        transaction_id,
        position,
        gl_code_number,
        department,
        cost_center,
        cost_amount - tax_share
        - case
            when size_rank = 1 then tax_amount - sum(tax_share) over (partition by transaction_id)
            else 0
        end as amount
    from shared
),

lines as (
    select
        net_costs.transaction_id,
        'cost' as line_kind,
        net_costs.position,
        net_costs.gl_code_number,
        expenses.policy_category,
        net_costs.department,
        net_costs.cost_center,
        expenses.project,
        cast(null as {{ dbt.type_string() }}) as tax_code,
        net_costs.amount
    from net_costs
    inner join expenses on net_costs.transaction_id = expenses.transaction_id

    union all

    select
        transaction_id,
        'tax' as line_kind,
        -1 as position,
        cast(null as {{ dbt.type_string() }}) as gl_code_number,
        cast(null as {{ dbt.type_string() }}) as policy_category,
        cast(null as {{ dbt.type_string() }}) as department,
        cast(null as {{ dbt.type_string() }}) as cost_center,
        cast(null as {{ dbt.type_string() }}) as project,
        tax_code,
        tax_amount as amount
    from taxes

    union all

    select
        transaction_id,
        'employee' as line_kind,
        -1 as position,
        cast(null as {{ dbt.type_string() }}) as gl_code_number,
        cast(null as {{ dbt.type_string() }}) as policy_category,
        cast(null as {{ dbt.type_string() }}) as department,
        cast(null as {{ dbt.type_string() }}) as cost_center,
        cast(null as {{ dbt.type_string() }}) as project,
        cast(null as {{ dbt.type_string() }}) as tax_code,
        employee_amount as amount
    from expenses

    union all

    select
        transaction_id,
        'counter' as line_kind,
        -1 as position,
        cast(null as {{ dbt.type_string() }}) as gl_code_number,
        cast(null as {{ dbt.type_string() }}) as policy_category,
        cast(null as {{ dbt.type_string() }}) as department,
        cast(null as {{ dbt.type_string() }}) as cost_center,
        cast(null as {{ dbt.type_string() }}) as project,
        cast(null as {{ dbt.type_string() }}) as tax_code,
        -(cost_amount + employee_amount) as amount
    from expenses
),

numbered as (
    select
        lines.*,
        expenses.expense_type,
        expenses.legal_entity,
        expenses.currency,
        row_number() over (
            partition by lines.transaction_id
            order by {{ navan.erp_line_order('lines.line_kind') }}, lines.position, lines.tax_code
        ) as line_number
    from lines
    inner join expenses on lines.transaction_id = expenses.transaction_id
    where lines.amount <> 0
),

-- Of the rows of the mapping that fit, the one that says most. What has a GL code is mapped by it alone: an account that
-- nobody has mapped yet is not to land somewhere else.
accounts as (
    select
        numbered.transaction_id,
        numbered.line_number,
        mapping.ledger_account,
        row_number() over (
            partition by numbered.transaction_id, numbered.line_number
            order by
                case when mapping.policy_category is null then 1 else 0 end,
                case when mapping.tax_code is null then 1 else 0 end,
                case when mapping.expense_type is null then 1 else 0 end,
                case when mapping.legal_entity is null then 1 else 0 end,
                mapping.ledger_account
        ) as fit
    from numbered
    inner join {{ ref('erp_account_mapping') }} as mapping
        on numbered.line_kind = mapping.line_kind
            and (
                numbered.gl_code_number = mapping.gl_code_number
                or (numbered.gl_code_number is null and mapping.gl_code_number is null)
            )
            and (mapping.policy_category is null or numbered.policy_category = mapping.policy_category)
            and (mapping.tax_code is null or numbered.tax_code = mapping.tax_code)
            and (mapping.expense_type is null or numbered.expense_type = mapping.expense_type)
            and (mapping.legal_entity is null or numbered.legal_entity = mapping.legal_entity)
)

select
    numbered.transaction_id,
    numbered.line_number,
    numbered.line_kind,
    numbered.expense_type,
    numbered.legal_entity,
    numbered.currency,
    accounts.ledger_account,
    numbered.gl_code_number,
    numbered.policy_category,
    numbered.department,
    numbered.cost_center,
    numbered.project,
    numbered.tax_code,
    cast(numbered.amount as {{ navan.type_number() }}) as amount
from numbered
left join accounts
    on numbered.transaction_id = accounts.transaction_id
        and numbered.line_number = accounts.line_number
        and accounts.fit = 1
