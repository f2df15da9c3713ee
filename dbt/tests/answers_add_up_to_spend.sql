-- The answers that divide all spend have all of it, by currency.
{%- set project = var('navan_project_field') | lower %}
with amounts as (
    select 'navan_spend_by_department' as answer, currency, spend as amount from {{ ref('navan_spend_by_department') }}
    union all
    select 'navan_spend_by_project' as answer, currency, spend as amount
    from {{ ref('navan_spend_by_project') }}
    where field_name = '{{ project }}'
    union all
    select 'navan_spend_by_vendor' as answer, currency, spend as amount from {{ ref('navan_spend_by_vendor') }}
    {%- for answer in ['navan_spend_by_department', 'navan_spend_by_project', 'navan_spend_by_vendor'] %}
    union all
    select '{{ answer }}' as answer, currency, -amount as amount from {{ ref('fct_spend') }}
    {%- endfor %}
)

select
    answer,
    currency,
    sum(amount) as difference
from amounts
group by answer, currency
having sum(amount) <> 0
