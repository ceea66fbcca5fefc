-- name: feed_horizon
-- on: primary as annals_job
-- params: bigint, of feed_snapshot
-- rows: 1: rows of the outbox with smaller transaction ids are all there, for every statement that begins
--       later
-- tenant: all, it touches no row
-- The second step. Ids in pg_locks and pg_stat_activity have 32 bits: the nearest id of 64 bits is meant.
WITH holders AS MATERIALIZED (
    SELECT l.pid, l.virtualtransaction
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.relation = 'annals.outbox'::regclass
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
), running (id) AS (
    SELECT l.transactionid::text::bigint
    FROM pg_catalog.pg_locks AS l
    JOIN holders AS h USING (virtualtransaction)
    WHERE l.locktype = 'transactionid' AND l.granted
    UNION ALL
    SELECT a.backend_xid::text::bigint
    FROM pg_catalog.pg_stat_activity AS a
    JOIN holders AS h USING (pid)
    WHERE a.backend_xid IS NOT NULL
)
SELECT least($1::bigint,
             min($1::bigint
                 + (r.id - ($1::bigint & 4294967295) + 6442450944) % 4294967296 - 2147483648))::text
FROM running AS r
