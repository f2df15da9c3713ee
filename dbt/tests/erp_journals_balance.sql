-- Each journal adds up to zero, and so does what is handed over of each entity and currency.
select
    external_id,
    legal_entity,
    currency,
    sum(coalesce(debit, 0)) as debit,
    sum(coalesce(credit, 0)) as credit
from {{ ref('erp_journal_lines') }}
group by external_id, legal_entity, currency
having sum(coalesce(debit, 0)) <> sum(coalesce(credit, 0))
