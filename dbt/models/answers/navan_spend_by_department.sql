-- What did each department spend, month by month?
select
    month,
    department,
    currency,
    {{ navan.total('amount') }} as spend,
    {{ navan.sum_if_all_known('reporting_amount') }} as reporting_spend
from {{ ref('fct_spend') }}
group by month, department, currency
