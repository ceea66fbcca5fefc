-- name: search_begin
-- on: any as annals_reader, annals_platform
-- params: tenant_id text, statement_timeout text, in_order boolean, plan_cache_mode text
-- rows: 1: on a replica, what it has replayed, else NULL; through (NULL where unknown); now; something that
--       is another wherever the partitions are others; the tenant; what it keeps begins here, as it was set
--       and as a time (NULL: it keeps everything); its presence (NULL: not known); the other settings
-- The row-level security of this transaction, its time limit, and what its answer will cover. What was
-- committed before `through` is seen by every later statement in it: this must run before the search takes
-- its snapshot.
-- in_order: a page is read in the order of an index, as far as it goes. Left alone, the planner reads and
-- sorts everything where it does not know how common a value is, and reads the whole of a partition that
-- was empty when the plan was made. What must be sorted all the same (the merge of lists) then seems dear
-- enough for a compiler, which takes longer than any page.
SELECT CASE
           WHEN pg_is_in_recovery() THEN coalesce((pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0)
       END,
       annals.through(),
       now(),
       ARRAY(SELECT i.xmin
             FROM pg_inherits AS i
             WHERE i.inhparent = 'annals.events'::regclass),
       set_config('annals.tenant', $1, true),
       -- The row of the tenant is seen from here on; what it does not keep, and nobody holds, is not. Of a
       -- tenant that lives elsewhere nothing is.
       set_config('annals.kept_from',
                  coalesce((SELECT CASE
                                       WHEN t.presence = 'hidden' THEN 'Infinity'
                                       ELSE extract(epoch FROM
                                                    least(now() - t.kept_days * interval '24 hours',
                                                          t.held_from))
                                   END
                            FROM annals.tenants AS t
                            WHERE t.tenant_id = $1 AND (t.kept_days IS NOT NULL OR t.presence = 'hidden')),
                           '-Infinity')::text, true),
       nullif(annals.kept_from(), '-infinity'),
       (SELECT t.presence
        FROM annals.tenants AS t
        WHERE t.tenant_id = $1),
       set_config('statement_timeout', $2, true),
       set_config('plan_cache_mode', $4, true),
       CASE
           WHEN $3::boolean
               THEN ARRAY[set_config('enable_sort', 'off', true),
                          set_config('enable_seqscan', 'off', true),
                          set_config('jit', 'off', true),
                          set_config('max_parallel_workers_per_gather', '0', true)]
       END
