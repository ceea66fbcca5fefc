-- name: search_begin
-- on: any as annals_reader
-- params: tenant_id text, statement_timeout text, lsn pg_lsn or NULL
-- rows: 1: tenant, timeout; t where everything up to lsn is seen by later statements; through (NULL where unknown);
--       now; something that changes with the partitions
-- The row-level security of this transaction, its time limit, and what its answer will cover. What was committed
-- before the transaction began is seen by every later statement in it. A replica shows what it has replayed: there
-- this must run before the search takes its snapshot.
SELECT set_config('annals.tenant', $1, true),
       set_config('statement_timeout', $2, true),
       $3::pg_lsn IS NULL OR NOT pg_is_in_recovery() OR coalesce(pg_last_wal_replay_lsn() >= $3::pg_lsn, false),
       CASE
           WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp()
           ELSE now()
       END,
       now(),
       (SELECT md5(string_agg(i.inhrelid || ':' || i.xmin, ' '))
        FROM pg_inherits AS i
        WHERE i.inhparent = 'annals.events'::regclass)
