-- name: partition_clock
-- on: primary as annals_job
-- params: none
-- rows: 1: now, newest commit of events, last round whose clock was believed, in microseconds, the last
--       two NULL where there is none; the server's version as a number
-- tenant: all, it looks at times only
SELECT (extract(epoch FROM now()) * 1000000)::bigint,
       (SELECT (extract(epoch FROM o.created_at) * 1000000)::bigint
        FROM annals.outbox AS o
        ORDER BY o.xid DESC, o.id DESC
        LIMIT 1),
       (SELECT (extract(epoch FROM j.clock_at) * 1000000)::bigint
        FROM annals.job_runs AS j
        WHERE j.job = 'partition'),
       current_setting('server_version_num')::integer
