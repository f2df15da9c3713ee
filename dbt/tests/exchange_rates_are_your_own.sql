{{ config(severity='warn') }}

-- Amounts in the reporting currency by the rates of the package's sample: put your own into a seed or model, and name it in
-- `navan_exchange_rates`.
select *
from {{ ref(var('navan_exchange_rates')) }}
where {{ navan.reporting_currency() != '' and var('navan_exchange_rates') == 'navan_exchange_rates' }}
