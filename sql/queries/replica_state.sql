-- name: replica_state
-- on: any as annals_reader
-- params: none
-- rows: 1: on a replica, what it has replayed, else NULL; through (NULL where unknown) and now, in
--       microseconds
-- tenant: all, it touches no row
-- The same that search_begin tells, for a replica that was too far behind or away when it was asked last.
SELECT CASE
           WHEN pg_is_in_recovery() THEN coalesce((pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0)
       END,
       (extract(epoch FROM annals.through()) * 1000000)::bigint,
       (extract(epoch FROM now()) * 1000000)::bigint
