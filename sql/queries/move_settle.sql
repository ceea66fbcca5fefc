-- name: move_settle
-- on: primary as annals_keeper
-- params: tenant_id text, name text, created in microseconds, class text
-- rows: 1; none where the tenant lives here
-- On the target: it is known there, of its class, and hidden. A name that is there stays: the directory's
-- counts.
INSERT INTO annals.tenants AS t (tenant_id, name, created_at, retention_class, presence)
VALUES ($1, $2, to_timestamp(0) + $3::bigint * interval '1 microsecond', $4, 'hidden')
ON CONFLICT (tenant_id) DO UPDATE
SET retention_class = excluded.retention_class, presence = excluded.presence
WHERE t.presence <> 'open'
RETURNING tenant_id
