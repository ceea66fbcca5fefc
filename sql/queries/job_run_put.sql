-- name: job_run_put
-- on: primary as annals_job
-- params: job text, started in microseconds, succeeded boolean, message text, rows bigint, bytes bigint, and
--         whether its clock was believed
-- rows: 0
-- tenant: all, it touches no row of theirs
INSERT INTO annals.job_runs AS j (job, started_at, finished_at, succeeded, message, removed_rows, freed_bytes,
                                  clock_at)
VALUES ($1, to_timestamp(0) + $2::bigint * interval '1 microsecond', now(), $3, $4, $5, $6,
        CASE WHEN $7::boolean THEN now() END)
ON CONFLICT (job) DO UPDATE
SET started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    succeeded = excluded.succeeded,
    message = excluded.message,
    removed_rows = excluded.removed_rows,
    freed_bytes = excluded.freed_bytes,
    clock_at = coalesce(excluded.clock_at, j.clock_at)
