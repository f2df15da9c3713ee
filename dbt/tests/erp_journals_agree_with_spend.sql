-- Costs have the same GL codes in the journals and in the marts, but for rounding to cents. Those with reclaimable tax are left
-- out, since it has a line of its own there.
with journals as (
    select
        transaction_id,
        coalesce(gl_code_number, '(none)') as gl_code_number,
        sum(amount) as amount,
        0 as parts
    from {{ ref('erp_transaction_lines') }}
    where line_kind = 'cost'
    group by transaction_id, gl_code_number
),

marts as (
    select
        source_id as transaction_id,
        gl_code_number,
        -sum(amount) as amount,
        count(*) as parts
    from {{ ref('fct_spend') }}
    where source = 'expense'
    group by source_id, gl_code_number
),

in_both as (
    select journals.transaction_id
    from journals
    inner join marts on journals.transaction_id = marts.transaction_id

    except

    select transaction_id
    from {{ ref('erp_transaction_lines') }}
    where line_kind = 'tax'
),

either as (
    select * from journals
    union all
    select * from marts
)

select
    either.transaction_id,
    either.gl_code_number,
    sum(either.amount) as difference
from either
inner join in_both on either.transaction_id = in_both.transaction_id
group by either.transaction_id, either.gl_code_number
having abs(sum(either.amount)) > 0.01 * sum(either.parts)
