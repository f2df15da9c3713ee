-- An expense's cost by its line items, where they add up to it; any other expense is one part.
with lines as (
    select
        transaction_id,
        amount,
        {{ navan.filled('department') }} as department,
        {{ navan.filled('cost_center') }} as cost_center,
        {{ navan.filled('gl_code_number') }} as gl_code_number,
        {{ navan.filled('gl_code_name') }} as gl_code_name,
        row_number() over (partition by transaction_id order by position) as part,
        count(*) over (partition by transaction_id) as parts,
        count(amount) over (partition by transaction_id) as amounts,
        sum(amount) over (partition by transaction_id) as total
    from {{ ref('stg_navan__transaction_line_item') }}
),

headers as (
    select
        id as transaction_id,
        {{ navan.filled('gl_code_number') }} as gl_code_number,
        {{ navan.filled('gl_code_name') }} as gl_code_name
    from {{ ref('stg_navan__transaction') }}
)

select
    expenses.transaction_id,
    coalesce(lines.part, 1) as part,
    coalesce(lines.parts, 1) as parts,
    coalesce(lines.department, expenses.department) as department,
    coalesce(lines.cost_center, expenses.cost_center) as cost_center,
    coalesce(projects.field_value, '(none)') as project,
    coalesce(lines.gl_code_number, headers.gl_code_number, '(none)') as gl_code_number,
    coalesce(case when lines.gl_code_number is null then headers.gl_code_name else lines.gl_code_name end, '(none)')
        as gl_code_name,
    cast(coalesce({{ navan.divide('lines.amount', 'lines.total', 9) }}, 1) as {{ navan.type_number() }}) as share,
    coalesce(lines.amount, expenses.cost_amount) as amount
from {{ ref('int_navan__expense_costs') }} as expenses
inner join headers on expenses.transaction_id = headers.transaction_id
left join lines
    on expenses.transaction_id = lines.transaction_id
        and lines.amounts = lines.parts
        and expenses.cost_amount = lines.total
left join {{ ref('int_navan__custom_fields') }} as projects
    on expenses.transaction_id = projects.source_id
        and projects.source = 'expense'
        and projects.field_name = '{{ var("navan_project_field") | lower }}'
