-- name: feed_snapshot
-- on: primary as annals_job
-- params: none
-- rows: 1: the first transaction id that nobody had yet
-- tenant: all, it touches no row
-- The first step of reading the feed (docs/design/data.md).
SELECT pg_snapshot_xmax(pg_current_snapshot())::text
