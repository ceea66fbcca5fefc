-- name: move_count
-- on: primary as annals_keeper
-- params: tenant_id text, from and to in microseconds
-- rows: 1: events
SELECT count(*)
FROM annals.events AS e
WHERE e.tenant_id = $1
  AND e."timestamp" >= to_timestamp(0) + $2::bigint * interval '1 microsecond'
  AND e."timestamp" < to_timestamp(0) + $3::bigint * interval '1 microsecond'
