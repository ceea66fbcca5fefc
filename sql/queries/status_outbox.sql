-- name: status_outbox
-- on: any as annals_job
-- params: none
-- rows: 1: rows, counted up to 100001; age of the oldest in microseconds, NULL where there is none
-- tenant: all, for the operator's page
SELECT (SELECT count(*) FROM (SELECT FROM annals.outbox LIMIT 100001) AS few),
       (SELECT (extract(epoch FROM now() - o.created_at) * 1000000)::bigint
        FROM annals.outbox AS o
        ORDER BY o.xid, o.id
        LIMIT 1)
