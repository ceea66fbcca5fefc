-- name: hold_add
-- on: primary as annals_job
-- params: tenant_id text, from and to timestamptz or NULL, reason text, placed_by text
-- rows: 1: its id; none where the tenant does not live here, or is being moved away (docs/design/moves.md)
INSERT INTO annals.legal_holds (tenant_id, from_at, to_at, reason, placed_by)
SELECT t.tenant_id, $2::timestamptz, $3::timestamptz, $4, $5
FROM annals.tenants AS t
WHERE t.tenant_id = $1 AND t.presence = 'open'
FOR SHARE OF t
RETURNING id
