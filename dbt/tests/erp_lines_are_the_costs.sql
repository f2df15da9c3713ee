-- The lines of a transaction say what it costs and what the employee owes, tax included, and against that whom it is paid to.
with lines as (
    select
        transaction_id,
        sum(case when line_kind in ('cost', 'tax') then amount else 0 end) as cost_amount,
        sum(case when line_kind = 'employee' then amount else 0 end) as employee_amount,
        sum(amount) as difference
    from {{ ref('erp_transaction_lines') }}
    group by transaction_id
)

select
    expenses.transaction_id,
    expenses.cost_amount,
    expenses.employee_amount,
    lines.cost_amount as lines_cost_amount,
    lines.employee_amount as lines_employee_amount,
    lines.difference
from {{ ref('erp_expenses') }} as expenses
left join lines on expenses.transaction_id = lines.transaction_id
where
    expenses.handover = 'due'
    and (
        expenses.cost_amount <> coalesce(lines.cost_amount, 0)
        or expenses.employee_amount <> coalesce(lines.employee_amount, 0)
        or coalesce(lines.difference, 0) <> 0
    )
