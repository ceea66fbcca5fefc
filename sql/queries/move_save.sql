-- name: move_save
-- on: primary as annals_job
-- params: tenant_id text, move bigint, events, copied, followed and compared bigint, key copied last: bigint
--         microseconds and uuid, or NULL
-- rows: 0
UPDATE annals.tenant_moves
SET saved_at = clock_timestamp(),
    events = $3,
    copied = $4,
    followed = $5,
    compared = $6,
    copied_at = to_timestamp(0) + $7::bigint * interval '1 microsecond',
    copied_id = $8
WHERE tenant_id = $1 AND id = $2
