-- name: move_presence
-- on: primary as annals_job
-- params: tenant_id text, presence text, text[] of what it may be before
-- rows: 1; none where it is none of these
UPDATE annals.tenants
SET presence = $2
WHERE tenant_id = $1 AND presence = ANY ($3::text[])
RETURNING presence
