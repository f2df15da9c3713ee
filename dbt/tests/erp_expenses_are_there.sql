{{ config(severity='error' if var('navan_closed_through') else 'warn') }}

-- Where no transaction was loaded, there is nothing to close: `navan_schema` is another one, say, or the sync has failed.
select 'no transactions' as problem
from (select count(*) as expenses from {{ ref('erp_expenses') }}) as counted
where expenses = 0
