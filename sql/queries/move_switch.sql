-- name: move_switch
-- on: primary as annals_job
-- params: tenant_id text, move bigint, source text, target text
-- rows: 1; none where it is in another step, which is somebody else's doing
-- From its commit on, the tenant lives on the target; that it does, and what is to be done next, is said at
-- once. Each part of such a statement is done whatever the others find, so the step is asked, and kept,
-- before all else.
WITH at AS (
    SELECT a.tenant_id
    FROM annals.tenant_moves AS a
    WHERE a.tenant_id = $1 AND a.id = $2 AND a.step = 'switch'
    FOR UPDATE
), led AS (
    UPDATE annals.tenants AS t
    SET shard = $4
    FROM at
    WHERE t.tenant_id = at.tenant_id AND t.shard = $3
    RETURNING t.tenant_id
)
UPDATE annals.tenant_moves AS m
SET step = 'hide', saved_at = clock_timestamp()
FROM led
WHERE m.tenant_id = led.tenant_id AND m.id = $2
RETURNING m.id
