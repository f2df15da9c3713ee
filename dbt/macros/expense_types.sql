{# The kind of a record of expenses, as the path of Navan's API has it. Its lists of receipts have other names for the same
   kinds, and no public source says which of them a record has. #}
{% macro expense_type(record_type) -%}
    {%- set kind = "replace(lower(" ~ record_type ~ "), '_', '-')" -%}
    {%- set paths = {
        'transactions': 'card-transactions',
        'connect': 'connect-transactions',
        'daily-rebate': 'daily-rebates',
        'dispute': 'disputes',
        'statement-payment': 'statement-payments',
    } -%}
    case {{ kind }}
    {%- for name, path in paths.items() %}
        when '{{ name }}' then '{{ path }}'
    {%- endfor %}
        else {{ kind }}
    end
{%- endmacro %}
