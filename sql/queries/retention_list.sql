-- name: retention_list
-- on: primary as annals_job
-- params: none
-- rows: one a class, shortest first: name, days or NULL, how many of the tenants that live here
-- tenant: all, for the operator's list
SELECT c.name,
       c.keep_days,
       (SELECT count(*) FROM annals.tenants AS t WHERE t.retention_class = c.name AND t.presence <> 'hidden')
FROM annals.retention_classes AS c
ORDER BY c.keep_days NULLS LAST, c.name
