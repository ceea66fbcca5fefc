-- name: shard_tenants
-- on: primary as annals_job
-- params: none
-- rows: one a shard that has tenants: name, how many
-- tenant: all, it counts them
SELECT shard, count(*)
FROM annals.tenants
GROUP BY shard
