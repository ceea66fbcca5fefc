-- name: partition_detach
-- on: primary as annals_job
-- params: table text, partition text
-- rows: 1: what the keeper must run next; NULL: it is detached
-- tenant: all, it touches no row
SELECT annals.partition_detach($1, $2)
