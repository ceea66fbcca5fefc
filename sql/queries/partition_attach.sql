-- name: partition_attach
-- on: primary as annals_job
-- params: table text, partition text
-- rows: 1
-- tenant: all, it touches no row
SELECT annals.partition_attach($1, $2)
