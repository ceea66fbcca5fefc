-- name: partition_horizon
-- on: any as annals_job, annals_writer, annals_reader
-- params: none
-- rows: 1: end of the last partition that every table has, in microseconds; NULL where one has none
-- tenant: all, it touches no row
SELECT CASE WHEN count(h.to_at) = 3 THEN (extract(epoch FROM min(h.to_at)) * 1000000)::bigint END
FROM (SELECT max(b.to_at) AS to_at
      FROM unnest(ARRAY['events', 'event_entities', 'outbox']) AS t (parent)
      CROSS JOIN LATERAL annals.partition_bounds(t.parent) AS b
      GROUP BY t.parent) AS h
