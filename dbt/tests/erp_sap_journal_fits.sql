{{ config(severity='warn') }}

-- What SAP's sheet has no room for: an entity without a company code in navan_erp_names, say.
select
    external_id,
    line_number,
    header_bukrs,
    hkont,
    kostl
from {{ ref('erp_sap_journal') }}
where
    length(header_bukrs) > 4
    or length(header_blart) > 2
    or length(header_monat) > 2
    or length(header_bktxt) > 25
    or length(header_waers) > 5
    or length(header_xblnr) > 16
    or length(hkont) > 10
    or length(sgtxt) > 50
    or length(mwskz) > 2
    or length(kostl) > 10
    or length(ps_posid) > 24
    or length(zuonr) > 18
