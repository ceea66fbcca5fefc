-- name: search_oldest
-- on: any as annals_reader, annals_platform
-- params: none
-- rows: 1: oldest instant that has a partition, in microseconds; NULL: there is none
-- tenant: all, it touches no row
-- Takes longer than a page: asked again only when the partitions have changed.
SELECT (extract(epoch FROM min(b.from_at)) * 1000000)::bigint
FROM annals.partition_bounds('events') AS b
