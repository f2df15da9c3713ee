-- What was incurred in a month and was not in the ERP when the month ended?
with handed_over as (
    select
        transaction_id,
        min(posting_date) as posting_date
    from {{ ref('erp_posted_lines') }}
    where transaction_id is not null
    group by transaction_id
),

incurred as (
    select
        spend.*,
        cast({{ dbt.last_day('spend.incurred_on', 'month') }} as date) as month_end,
        coalesce(expenses.erp_sync_status in {{ navan.listed('navan_erp_synced_statuses') }}, false) as is_synced,
        expenses.erp_effective_date,
        handed_over.posting_date
    from {{ ref('fct_spend') }} as spend
    left join {{ ref('fct_expenses') }} as expenses
        on spend.source = 'expense' and spend.source_id = expenses.transaction_id
    left join handed_over on expenses.transaction_id = handed_over.transaction_id
    where spend.incurred_on <= {{ navan.today() }}
),

outstanding as (
    select
        *,
        case when source = 'expense' then amount else 0 end as expense_amount,
        case when source = 'booking' then amount else 0 end as booking_amount
    from incurred
    where
        not (is_synced and (erp_effective_date is null or erp_effective_date <= month_end))
        -- By Navan's own sync, or by file.
        and (posting_date is null or posting_date > month_end)
)

select
    month_end,
    gl_code_number,
    gl_code_name,
    legal_entity,
    currency,
    {{ navan.total('expense_amount') }} as expense_amount,
    {{ navan.total('booking_amount') }} as booking_amount,
    {{ navan.total('amount') }} as amount
from outstanding
group by month_end, gl_code_number, gl_code_name, legal_entity, currency
