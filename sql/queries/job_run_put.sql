-- name: job_run_put
-- on: primary as annals_job
-- params: job text, started in microseconds, succeeded boolean, message text, rows bigint, bytes bigint,
--         whether its clock was believed; partitions held back, created and dropped
-- rows: 0
-- tenant: all, it touches no row of theirs
INSERT INTO annals.job_runs AS j (job, started_at, finished_at, succeeded, succeeded_at,
                                  message, removed_rows,
                                  freed_bytes, clock_at, held_back, total_created, total_dropped, total_rows,
                                  total_bytes)
VALUES ($1, to_timestamp(0) + $2::bigint * interval '1 microsecond', now(), $3, CASE WHEN $3 THEN now() END,
        $4, $5,
        $6, CASE WHEN $7::boolean THEN now() END, $8, $9, $10, $5, $6)
ON CONFLICT (job) DO UPDATE
SET started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    succeeded = excluded.succeeded,
    succeeded_at = coalesce(excluded.succeeded_at, j.succeeded_at),
    message = excluded.message,
    held_back = excluded.held_back,
    removed_rows = excluded.removed_rows,
    freed_bytes = excluded.freed_bytes,
    total_created = j.total_created + excluded.total_created,
    total_dropped = j.total_dropped + excluded.total_dropped,
    total_rows = j.total_rows + excluded.total_rows,
    total_bytes = j.total_bytes + excluded.total_bytes,
    clock_at = coalesce(excluded.clock_at, j.clock_at)
