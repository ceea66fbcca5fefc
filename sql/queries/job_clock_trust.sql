-- name: job_clock_trust
-- on: primary as annals_job
-- params: none
-- rows: 1 where the job has run before: now in microseconds
-- tenant: all, it touches no row of theirs
UPDATE annals.job_runs
SET clock_at = now()
WHERE job = 'partition'
RETURNING (extract(epoch FROM now()) * 1000000)::bigint
