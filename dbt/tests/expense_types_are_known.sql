-- A kind of record that is neither a cost nor none: put it into `navan_expense_types` or `navan_expense_types_ignored`.
select
    expense_type,
    count(*) as expenses
from {{ ref('int_navan__expense_costs') }}
where expense_type not in {{ navan.listed('navan_expense_types') }}
    and expense_type not in {{ navan.listed('navan_expense_types_ignored') }}
group by expense_type
