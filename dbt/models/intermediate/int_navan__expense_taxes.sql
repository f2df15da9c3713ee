-- One row for each part of an expense's taxes. Which members `tax_details` has depends on the company's tax setup: these are
-- a code, and `parts` with an amount each and whether it can be reclaimed.
with expenses as (
    select
        id as transaction_id,
        tax_details,
        {{ navan.json_value('tax_details', 'parts') }} as parts
    from {{ ref('stg_navan__transaction') }}
),

parts as (
    select
        expenses.transaction_id,
        coalesce(
            {{ navan.filled(navan.json_text(navan.json_element('part'), 'code')) }},
            {{ navan.filled(navan.json_text('expenses.tax_details', 'code')) }}
        ) as tax_code,
        {{ navan.json_number(navan.json_element('part'), 'amount') }} as tax_amount,
        {{ navan.json_boolean(navan.json_element('part'), 'reclaimable') }} as reclaimable
    from expenses
    {{ navan.json_array_elements('expenses.parts', 'part') }}
),

-- The company's own list says which country a tax is of.
countries as (
    select
        tax_code,
        min({{ navan.filled('country') }}) as country
    from {{ ref('stg_navan__tax_mapping') }}
    group by tax_code
)

select
    parts.transaction_id,
    parts.tax_amount,
    coalesce(countries.country, '(none)') as country,
    coalesce(parts.tax_code, '(none)') as tax_code,
    coalesce(parts.reclaimable, false) as is_reclaimable
from parts
left join countries on parts.tax_code = countries.tax_code
where parts.tax_amount is not null
