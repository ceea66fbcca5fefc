-- name: partition_drop
-- on: primary as annals_job
-- params: table text, partition text
-- rows: 1: f where a legal hold came in the meantime
-- tenant: all, a partition belongs to all
SELECT annals.partition_drop($1, $2)
