-- name: search_reached
-- on: any as annals_reader
-- params: lsn pg_lsn
-- rows: 1: t where everything up to there is seen by later statements
-- tenant: all, it touches no row
SELECT NOT pg_is_in_recovery() OR coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)
