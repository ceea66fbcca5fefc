-- name: move_step
-- on: primary as annals_job
-- params: tenant_id text, move bigint, step that it is in, step that begins
-- rows: 1; none where it is in another step, which is somebody else's doing
UPDATE annals.tenant_moves
SET step = $4,
    saved_at = clock_timestamp(),
    closed_at = CASE $4 WHEN 'close' THEN clock_timestamp() ELSE closed_at END,
    opened_at = CASE $4 WHEN 'release' THEN clock_timestamp() ELSE opened_at END,
    finished_at = CASE WHEN $4 IN ('done', 'aborted') THEN clock_timestamp() END
WHERE tenant_id = $1 AND id = $2 AND step = $3
RETURNING id
