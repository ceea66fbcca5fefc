-- name: partition_list
-- on: any as annals_job, annals_reader
-- params: table text
-- rows: one a partition, oldest first: name, from and to in microseconds, estimated rows, bytes with
--       indexes and TOAST
-- tenant: all, it touches no row
-- Before the first ANALYZE only the statistics of activity know of rows.
SELECT b.name,
       (extract(epoch FROM b.from_at) * 1000000)::bigint,
       (extract(epoch FROM b.to_at) * 1000000)::bigint,
       greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0),
       pg_total_relation_size(c.oid)
FROM annals.partition_bounds($1) AS b
JOIN pg_catalog.pg_class AS c ON c.oid = b.partition_oid
ORDER BY b.from_at
