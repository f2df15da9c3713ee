-- One row for each custom field of a booking or an expense that has a value. A field that is there twice counts with its
-- first value, so that no cost is summed twice within a field.
with fields as (
    select
        'expense' as source,
        transaction_id as source_id,
        lower({{ navan.filled('name') }}) as field_name,
        coalesce({{ navan.filled('display_value') }}, {{ navan.filled('value') }}) as field_value,
        position
    from {{ ref('stg_navan__transaction_custom_field') }}

    union all

    select
        'booking' as source,
        booking_uuid as source_id,
        lower({{ navan.filled('name') }}) as field_name,
        {{ navan.filled('value') }} as field_value,
        position
    from {{ ref('stg_navan__booking_custom_field') }}
),

numbered as (
    select
        *,
        row_number() over (partition by source, source_id, field_name order by position) as occurrence
    from fields
    where field_name is not null and field_value is not null
)

select
    source,
    source_id,
    field_name,
    field_value
from numbered
where occurrence = 1
