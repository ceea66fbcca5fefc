-- name: move_holds
-- on: primary as annals_keeper
-- params: tenant_id text
-- rows: one a legal hold: from, to, reason, placed_by, placed_at, released_by, released_at
-- Times as PostgreSQL writes them, infinite ones included; under move_settings.
SELECT h.from_at::text,
       h.to_at::text,
       h.reason,
       h.placed_by,
       h.placed_at::text,
       h.released_by,
       h.released_at::text
FROM annals.legal_holds AS h
WHERE h.tenant_id = $1
ORDER BY h.placed_at, h.id
