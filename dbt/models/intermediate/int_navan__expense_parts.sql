-- An expense's cost by its line items, where they add up to it or to what was posted, of which the company bears a part; any
-- other expense is one part.
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
),

-- As much of each as the company bears of the whole, to nine digits.
shares as (
    select
        lines.*,
        expenses.cost_amount,
        case
            when lines.total = expenses.cost_amount then lines.amount
            else {{ navan.divide('expenses.cost_amount * lines.amount', 'lines.total', 9) }}
        end as exact_amount,
        coalesce(lines.total = expenses.cost_amount, false) as is_exact
    from lines
    inner join {{ ref('int_navan__expense_costs') }} as expenses on lines.transaction_id = expenses.transaction_id
    where lines.amounts = lines.parts
        and (lines.total = expenses.cost_amount or (lines.total = expenses.posted_amount and lines.total <> 0))
),

cents as (
    select
        *,
        {{ navan.whole_cents('exact_amount') }} as part_cents,
        {{ navan.whole_cents('cost_amount') }} as cost_cents
    from shares
),

due as (
    select
        *,
        exact_amount * 100 - part_cents as remainder,
        cost_cents - sum(part_cents) over (partition by transaction_id) as due_cents
    from cents
),

-- The cents that are left go to those that lack most of one; what is below a cent to the first.
ranked as (
    select
        *,
        row_number() over (partition by transaction_id order by remainder * sign(due_cents) desc, part) as remainder_rank
    from due
),

divided as (
    select
        transaction_id,
        part,
        parts,
        department,
        cost_center,
        gl_code_number,
        gl_code_name,
        amount,
        total,
        case
            when is_exact then exact_amount
            else
                {{ navan.from_units(
                    'part_cents + case when remainder_rank <= abs(due_cents) then sign(due_cents) else 0 end', 2
                ) }}
                + case when part = 1 then cost_amount - {{ navan.from_units('cost_cents', 2) }} else 0 end
        end as part_amount
    from ranked
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
    cast(coalesce(lines.part_amount, expenses.cost_amount) as {{ navan.type_number() }}) as amount
from {{ ref('int_navan__expense_costs') }} as expenses
inner join headers on expenses.transaction_id = headers.transaction_id
left join divided as lines on expenses.transaction_id = lines.transaction_id
left join {{ ref('int_navan__custom_fields') }} as projects
    on expenses.transaction_id = projects.source_id
        and projects.source = 'expense'
        and projects.field_name = '{{ var("navan_project_field") | lower }}'
