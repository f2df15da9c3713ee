-- An external ID is that of one journal, and a journal has one.
with journals as (
    select distinct
        external_id,
        period,
        legal_entity,
        currency,
        journal_kind
    from {{ ref('erp_journal_lines') }}
)

select external_id
from journals
group by external_id
having count(*) > 1
