-- name: retention_refresh
-- on: primary as annals_job
-- params: none
-- rows: none
-- tenant: all, it compares every one with its class and its holds A search asks its tenant's row alone
--         what it may see, so that it need not join three tables each time. The copy is made here:
--         after every change, and in each round of annals-partition.
UPDATE annals.tenants AS t
SET kept_days = n.keep_days, held_from = n.held_from
FROM (SELECT i.tenant_id,
             c.keep_days,
             (SELECT min(coalesce(h.from_at, '-infinity'))
              FROM annals.legal_holds AS h
              WHERE h.tenant_id = i.tenant_id AND h.released_at IS NULL) AS held_from
      FROM annals.tenants AS i
      JOIN annals.retention_classes AS c ON c.name = i.retention_class) AS n
WHERE n.tenant_id = t.tenant_id
  AND (t.kept_days IS DISTINCT FROM n.keep_days OR t.held_from IS DISTINCT FROM n.held_from)
