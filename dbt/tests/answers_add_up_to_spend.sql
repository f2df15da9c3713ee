-- The answers that divide all spend have all of it, by currency.
with answers as (
    select
        'navan_spend_by_department' as answer,
        currency,
        spend
    from {{ ref('navan_spend_by_department') }}

    union all

    select
        'navan_spend_by_vendor' as answer,
        currency,
        spend
    from {{ ref('navan_spend_by_vendor') }}

    union all

    select
        'navan_spend_by_project' as answer,
        currency,
        spend
    from {{ ref('navan_spend_by_project') }}
    where field_name = '{{ var("navan_project_field") | lower }}'
),

answered as (
    select
        answer,
        currency,
        sum(spend) as spend
    from answers
    group by answer, currency
),

spent as (
    select
        currency,
        sum(amount) as spend
    from {{ ref('fct_spend') }}
    group by currency
),

names as (
    select distinct answer
    from answers
),

compared as (
    select
        names.answer,
        spent.currency,
        spent.spend,
        coalesce(answered.spend, 0) as answered_spend
    from spent
    cross join names
    left join answered on names.answer = answered.answer and spent.currency = answered.currency
)

select
    answer,
    currency,
    spend,
    answered_spend
from compared
where spend <> answered_spend
