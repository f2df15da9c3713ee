-- Balanced journals: one a period, entity and currency, and one more of corrections. A line sums what has the same account and
-- the same cost objects; in a correction, what corrects the same journal.
{% set keys = [
    'external_id',
    'journal_kind',
    'is_closed',
    'period',
    'posting_date',
    'original_external_id',
] %}
{# Not by a plus: unit tests of dbt 1.8 and 1.9 would not find the macro. #}
{% do keys.extend(navan.erp_line_columns()) %}
with lines as (
    select
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        count(distinct transaction_id) as transactions,
        cast(sum(amount) as {{ navan.type_number() }}) as amount
    from {{ ref('erp_journal_items') }}
    group by
        {{ keys | join(',\n        ') }}
    having sum(amount) <> 0
)

select
    external_id,
    row_number() over (
        partition by external_id
        order by
            {{ navan.erp_line_order('line_kind') }},
            ledger_account,
            gl_code_number,
            tax_code,
            department,
            cost_center,
            project,
            original_external_id
    ) as line_number,
    {%- for key in keys[1:] %}
    {{ key }},
    {%- endfor %}
    cast(case when amount > 0 then amount end as {{ navan.type_number() }}) as debit,
    cast(case when amount < 0 then -amount end as {{ navan.type_number() }}) as credit,
    amount,
    transactions
from lines
