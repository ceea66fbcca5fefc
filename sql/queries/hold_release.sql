-- name: hold_release
-- on: primary as annals_job
-- params: id bigint, released_by text
-- rows: 1: its tenant; none where there is no such hold, or it was released before, or its tenant is
--       being moved away (docs/design/moves.md)
-- tenant: all, a hold is named by its id
UPDATE annals.legal_holds AS h
SET released_by = $2, released_at = now()
WHERE h.id = $1
  AND h.released_at IS NULL
  AND EXISTS (SELECT
              FROM annals.tenants AS t
              WHERE t.tenant_id = h.tenant_id AND t.presence = 'open'
              FOR SHARE)
RETURNING tenant_id
