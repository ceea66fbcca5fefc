-- name: move_release
-- on: primary as annals_keeper
-- params: tenant_id text, released_by text
-- rows: 0
-- Where the tenant is hidden, nothing of it keeps a partition any more: its holds and its class are where
-- it lives.
WITH hidden AS (
    UPDATE annals.tenants
    SET retention_class = 'default'
    WHERE tenant_id = $1 AND presence = 'hidden'
    RETURNING tenant_id
)
UPDATE annals.legal_holds AS h
SET released_by = $2, released_at = now()
FROM hidden
WHERE h.tenant_id = hidden.tenant_id AND h.released_at IS NULL
