-- One row a department: those that people belong to, and those that costs name; `(none)` is one of them.
with departments as (
    select department from {{ ref('dim_employees') }}
    union all
    select department from {{ ref('int_navan__booking_parts') }}
    union all
    select department from {{ ref('int_navan__expense_parts') }}
    union all
    select department from {{ ref('int_navan__expense_costs') }}
),

employees as (
    select
        department,
        count(*) as employees,
        count(case when is_active then 1 end) as active_employees
    from {{ ref('dim_employees') }}
    where is_user
    group by department
)

select distinct
    departments.department,
    coalesce(employees.employees, 0) as employees,
    coalesce(employees.active_employees, 0) as active_employees
from departments
left join employees on departments.department = employees.department
