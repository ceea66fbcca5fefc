-- name: move_writers_left
-- on: primary as annals_job
-- params: text[], of move_writers
-- rows: 1: how many of these have not ended
-- tenant: all, it touches no row
SELECT count(DISTINCT l.virtualtransaction)
FROM pg_catalog.pg_locks AS l
WHERE l.virtualtransaction = ANY ($1::text[]) AND l.locktype = 'relation'
