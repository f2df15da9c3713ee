-- What each transaction amounts to now, as lines that add up to zero: debit is positive. Only what is to be handed over.
with expenses as (
    select *
    from {{ ref('erp_expenses') }}
    where handover = 'due' and (cost_amount <> 0 or employee_amount <> 0)
),

-- By line item where the marts tell it so.
costs as (
    select
        parts.transaction_id,
        parts.part as position,
        nullif(parts.gl_code_number, '(none)') as gl_code_number,
        nullif(parts.department, '(none)') as department,
        nullif(parts.cost_center, '(none)') as cost_center,
        expenses.cost_amount as whole_amount,
        cast(round(parts.amount, 2) as {{ navan.type_number() }}) as cost_amount
    from {{ ref('int_navan__expense_parts') }} as parts
    inner join expenses on parts.transaction_id = expenses.transaction_id
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

-- The costs share the tax; what rounding leaves of it, and of them, goes to the largest.
shared as (
    select
        costs.*,
        coalesce(taxes.tax_amount, 0) as tax_amount,
        coalesce({{ navan.prorate('taxes.tax_amount', 'costs.cost_amount', 'costs.whole_amount') }}, 0) as tax_share,
        row_number() over (partition by costs.transaction_id order by abs(costs.cost_amount) desc, costs.position)
            as size_rank
    from costs
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
        + case
            when size_rank = 1
                then whole_amount - tax_amount - sum(cost_amount - tax_share) over (partition by transaction_id)
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

-- Of the rows of the mapping that fit, those of the entity before everybody's, then the one with most cells filled; two of the
-- same rank make the line twice, which is an error. What has a GL code is mapped by it alone: an account that nobody has mapped
-- yet is not to land somewhere else.
accounts as (
    select
        numbered.transaction_id,
        numbered.line_number,
        mapping.ledger_account,
        rank() over (
            partition by numbered.transaction_id, numbered.line_number
            order by
                case when mapping.legal_entity is null then 1 else 0 end,
                case when mapping.policy_category is null then 1 else 0 end
                + case when mapping.tax_code is null then 1 else 0 end
                + case when mapping.expense_type is null then 1 else 0 end
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
