-- name: partition_places
-- on: primary as annals_writer
-- params: none
-- rows: one for each range that takes events, oldest first: from and to in microseconds
-- tenant: all, it touches no row
SELECT (extract(epoch FROM e.from_at) * 1000000)::bigint,
       (extract(epoch FROM e.to_at) * 1000000)::bigint
FROM annals.partition_bounds('events') AS e
JOIN annals.partition_bounds('event_entities') AS n USING (from_at, to_at)
ORDER BY from_at
