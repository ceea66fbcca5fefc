-- name: job_run_totals
-- on: any as annals_reader
-- params: none
-- rows: 1 where annals-partition has run here: end of its last round and of the last that succeeded (NULL:
--       none) in seconds since 1970, 1 where the last one failed, else 0; partitions it held back; of all
--       rounds: partitions created and dropped, rows and bytes of those
-- tenant: all, it touches no row of theirs
SELECT floor(extract(epoch FROM j.finished_at))::bigint,
       floor(extract(epoch FROM j.succeeded_at))::bigint,
       (NOT j.succeeded)::integer,
       j.held_back,
       j.total_created,
       j.total_dropped,
       j.total_rows,
       j.total_bytes
FROM annals.job_runs AS j
WHERE j.job = 'partition'
