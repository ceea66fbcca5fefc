-- name: search_coverage
-- on: any as annals_reader
-- params: none
-- rows: 1: through, lag in ms, oldest instant that has a partition; times in microseconds, NULL where unknown
-- tenant: all, it touches no row
-- What was committed before the transaction began is seen by every later statement in it. A replica shows
-- what it has replayed: there this must run before the search takes its snapshot.
SELECT (extract(epoch FROM c.through_at) * 1000000)::bigint,
       (extract(epoch FROM now() - c.through_at) * 1000)::bigint,
       (SELECT (extract(epoch FROM min(b.from_at)) * 1000000)::bigint
        FROM annals.partition_bounds('events') AS b)
FROM (SELECT CASE
                 WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp()
                 ELSE now()
             END) AS c (through_at)
