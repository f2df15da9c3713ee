-- One row an expense transaction, of every kind; `cost_amount` is 0 where it is no cost.
with links as (
    select
        transaction_id,
        min(booking_uuid) as booking_uuid,
        count(*) as bookings,
        max(case when is_booking_covered then 1 else 0 end) = 1 as is_covered,
        max(case when is_told_by_booking then 1 else 0 end) = 1 as is_told
    from {{ ref('int_navan__expense_bookings') }}
    group by transaction_id
),

parts as (
    select
        transaction_id,
        parts,
        project
    from {{ ref('int_navan__expense_parts') }}
    where part = 1
),

receipts as (
    select distinct transaction_id
    from {{ ref('stg_navan__transaction_receipt') }}
    where coalesce({{ navan.filled('receipt_url') }}, {{ navan.filled('e_receipt_url') }}) is not null
)

select
    expenses.id as transaction_id,
    costs.expense_type,
    {{ navan.first_filled(['expenses.approval_status']) }} as approval_status,
    costs.is_cost,
    -- What a booking tells already is not told again.
    costs.cost_amount <> 0 and coalesce(links.is_covered or not links.is_told, true) as is_in_spend,
    costs.covers_bookings and coalesce(links.is_covered, false) as covers_booking,
    coalesce(links.bookings, 0) as bookings,
    links.booking_uuid,
    expenses.modified_timestamp as modified_at,
    costs.expense_day,
    {{ navan.month_of('costs.expense_day') }} as month,
    {{ navan.fiscal_year('costs.expense_day') }} as fiscal_year,
    {{ navan.fiscal_period('costs.expense_day') }} as fiscal_period,
    expenses.posted_date,
    expenses.manually_added_date,
    costs.currency,
    costs.cost_amount,
    costs.reporting_amount,
    expenses.posted_amount,
    expenses.personal_amount,
    expenses.rejected_amount,
    expenses.original_amount,
    expenses.original_currency,
    expenses.reimbursement_date,
    expenses.reimbursement_amount,
    expenses.reimbursement_currency,
    parts.parts,
    costs.department,
    costs.cost_center,
    parts.project,
    costs.legal_entity,
    costs.employee_key,
    expenses.cardholder,
    {{ navan.first_filled(['expenses.vendor_name', 'bookings.vendor']) }} as vendor,
    case
        when costs.expense_type in {{ navan.listed('navan_covering_types') }} and bookings.uuid is not null
            then {{ navan.first_filled(['bookings.booking_type']) }}
        else {{ navan.first_filled(['expenses.activity_type', 'expenses.policy_category']) }}
    end as category,
    {{ navan.first_filled(['expenses.policy_category']) }} as policy_category,
    {{ navan.first_filled(['expenses.gl_code_number']) }} as gl_code_number,
    {{ navan.first_filled(['expenses.gl_code_name']) }} as gl_code_name,
    expenses.erp_sync_status,
    expenses.erp_effective_date,
    coalesce(
        {{ navan.filled('expenses.receipt') }},
        {{ navan.filled('expenses.receipt_navan') }},
        {{ navan.filled('expenses.e_receipt') }},
        {{ navan.filled('expenses.e_receipt_navan') }},
        receipts.transaction_id
    ) is not null as has_receipt,
    expenses.synced_at
from {{ ref('stg_navan__transaction') }} as expenses
inner join {{ ref('int_navan__expense_costs') }} as costs on expenses.id = costs.transaction_id
inner join parts on expenses.id = parts.transaction_id
left join links on expenses.id = links.transaction_id
left join {{ ref('stg_navan__booking') }} as bookings on links.booking_uuid = bookings.uuid
left join receipts on expenses.id = receipts.transaction_id
