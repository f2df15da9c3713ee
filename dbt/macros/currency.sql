{# The reporting currency's code; an empty text where there is none. #}
{% macro reporting_currency() %}
    {% do return((var('navan_reporting_currency') or '') | upper) %}
{% endmacro %}


{# An amount in the reporting currency, to the cent. Never guessed: null without a rate, and without such a currency.
   A booking has its total in US dollars; they say more of it than a rate does. #}
{% macro in_reporting_currency(amount, currency, rate, usd_total=none, total=none) -%}
    {%- set reporting_currency = navan.reporting_currency() -%}
    {%- if not reporting_currency -%}
        cast(null as {{ navan.type_number() }})
    {%- else -%}
        cast(
            case
                when {{ currency }} = '{{ reporting_currency }}' then round({{ amount }}, 2)
                {%- if usd_total and reporting_currency == 'USD' %}
                when {{ usd_total }} is not null and {{ total }} <> 0 then {{ navan.prorate(usd_total, amount, total) }}
                {%- endif %}
                else round({{ amount }} * {{ rate }}, 2)
            end as {{ navan.type_number() }}
        )
    {%- endif -%}
{%- endmacro %}


{# The sum of amounts in the reporting currency; null where one of them is not known. #}
{% macro sum_if_all_known(amount) -%}
    case when count(*) = count({{ amount }}) then {{ navan.total(amount) }} end
{%- endmacro %}
