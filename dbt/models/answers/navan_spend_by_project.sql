-- What was spent on each project, and by each of the company's other custom fields? Only the lines of one field add up.
with by_project as (
    select
        '{{ var("navan_project_field") | lower }}' as field_name,
        project as field_value,
        month,
        currency,
        amount,
        reporting_amount
    from {{ ref('fct_spend') }}
),

-- Fields other than the project do not divide a cost.
by_field as (
    select
        fields.field_name,
        fields.field_value,
        spend.month,
        spend.currency,
        spend.amount,
        spend.reporting_amount
    from {{ ref('fct_spend') }} as spend
    inner join {{ ref('int_navan__custom_fields') }} as fields
        on spend.source = fields.source and spend.source_id = fields.source_id
    where fields.field_name <> '{{ var("navan_project_field") | lower }}'
),

by_any_field as (
    select * from by_project
    union all
    select * from by_field
)

select
    field_name,
    field_value,
    month,
    currency,
    {{ navan.total('amount') }} as spend,
    {{ navan.sum_if_all_known('reporting_amount') }} as reporting_spend
from by_any_field
group by field_name, field_value, month, currency
