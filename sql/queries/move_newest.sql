-- name: move_newest
-- on: primary as annals_keeper
-- params: tenant_id text, from timestamptz, to timestamptz
-- rows: 1: now, or where that is later the time of the tenant's newest event there, in microseconds
SELECT (extract(epoch FROM greatest(clock_timestamp(), max(e."timestamp"))) * 1000000)::bigint
FROM annals.events AS e
WHERE e.tenant_id = $1 AND e."timestamp" >= $2::timestamptz AND e."timestamp" < $3::timestamptz
