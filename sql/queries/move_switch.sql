-- name: move_switch
-- on: primary as annals_job
-- params: tenant_id text, move bigint, source text, target text
-- rows: 1; none where it is in another step, which is somebody else's doing
-- From its commit on, the tenant lives on the target; that it does, and what is to be done next, is said at once.
WITH led AS (
    UPDATE annals.tenants
    SET shard = $4
    WHERE tenant_id = $1 AND shard = $3
    RETURNING tenant_id
)
UPDATE annals.tenant_moves AS m
SET step = 'hide', saved_at = clock_timestamp()
FROM led
WHERE m.tenant_id = led.tenant_id AND m.id = $2 AND m.step = 'switch'
RETURNING m.id
