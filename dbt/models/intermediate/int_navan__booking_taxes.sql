-- One row for each tax that a booking's price tells of by itself. A journey is taxed where it begins, a stay where it is.
with bookings as (
    select
        *,
        case
            when booking_type in ('FLIGHT', 'RAIL') then {{ navan.first_filled(['origin_country_code']) }}
            else {{ navan.first_filled(['destination_country_code']) }}
        end as country
    from {{ ref('stg_navan__booking') }}
),

taxes as (
    {% for tax in ['vat', 'gst', 'hst', 'qst'] %}
    select
        uuid as booking_uuid,
        country,
        '{{ tax | upper }}' as tax_code,
        {{ tax }} as tax_amount
    from bookings
    {% if not loop.last %} union all {% endif %}
    {% endfor %}
)

select
    booking_uuid,
    country,
    tax_code,
    tax_amount
from taxes
where tax_amount <> 0
