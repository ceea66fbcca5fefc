-- name: job_run_list
-- on: any as annals_reader
-- params: none
-- rows: one a job: name, end of its last round in microseconds, t where that succeeded, message, rows
--       removed, bytes freed, how long ago it ended in microseconds
-- tenant: all, it touches no row of theirs
SELECT j.job,
       (extract(epoch FROM j.finished_at) * 1000000)::bigint,
       j.succeeded,
       j.message,
       j.removed_rows,
       j.freed_bytes,
       (extract(epoch FROM now() - j.finished_at) * 1000000)::bigint
FROM annals.job_runs AS j
ORDER BY j.job
