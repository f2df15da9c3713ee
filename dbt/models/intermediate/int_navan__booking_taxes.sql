-- One row for each tax that a booking's price tells of by itself. A journey is taxed where it begins, a stay where it is.
{%- set taxes = ['vat', 'gst', 'hst', 'qst'] %}
with bookings as (
    select
        uuid as booking_uuid,
        case
            when booking_type in ('FLIGHT', 'RAIL') then {{ navan.first_filled(['origin_country_code']) }}
            else {{ navan.first_filled(['destination_country_code']) }}
        end as country,
        {{ taxes | join(',\n        ') }}
    from {{ ref('stg_navan__booking') }}
)
{% for tax in taxes %}
select
    booking_uuid,
    country,
    '{{ tax | upper }}' as tax_code,
    {{ tax }} as tax_amount
from bookings
where {{ tax }} <> 0
{{ 'union all' if not loop.last }}
{%- endfor %}
