-- name: search_begin
-- on: any as annals_reader
-- params: tenant_id text, statement_timeout text, lsn pg_lsn or NULL, in_order boolean,
--         plan_cache_mode text
-- rows: 1: t where everything up to lsn is seen by later statements; through (NULL where unknown); now;
--       something that is another wherever the partitions are others; the settings
-- The row-level security of this transaction, its time limit, and what its answer will cover. What was
-- committed before the transaction began is seen by every later statement in it. A replica shows what it
-- has replayed: there this must run before the search takes its snapshot.
-- in_order: a page is read in the order of an index, as far as it goes. Left alone, the planner reads and
-- sorts everything where it does not know how common a value is, and reads the whole of a partition that
-- was empty when the plan was made. What must be sorted all the same (the merge of lists) then seems dear
-- enough for a compiler, which takes longer than any page.
SELECT $3::pg_lsn IS NULL
       OR NOT pg_is_in_recovery()
       OR coalesce(pg_last_wal_replay_lsn() >= $3::pg_lsn, false),
       CASE
           WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp()
           ELSE now()
       END,
       now(),
       ARRAY(SELECT i.xmin
             FROM pg_inherits AS i
             WHERE i.inhparent = 'annals.events'::regclass),
       set_config('annals.tenant', $1, true),
       -- The row of the tenant is seen from here on; what it does not keep, and nobody holds, is not.
       set_config('annals.kept_from',
                  coalesce((SELECT extract(epoch FROM least(now() - t.kept_days * interval '24 hours',
                                                            t.held_from))::text
                            FROM annals.tenants AS t
                            WHERE t.tenant_id = $1 AND t.kept_days IS NOT NULL), ''), true),
       set_config('statement_timeout', $2, true),
       set_config('plan_cache_mode', $5, true),
       CASE
           WHEN $4::boolean
               THEN ARRAY[set_config('enable_sort', 'off', true),
                          set_config('enable_seqscan', 'off', true),
                          set_config('jit', 'off', true),
                          set_config('max_parallel_workers_per_gather', '0', true)]
       END
