-- name: move_writers
-- on: primary as annals_job
-- params: none
-- rows: 1: an array of the transactions that hold a lock on outbox at this moment
-- tenant: all, it touches no row
SELECT array_agg(DISTINCT l.virtualtransaction)::text
FROM pg_catalog.pg_locks AS l
WHERE l.locktype = 'relation'
  AND l.relation = 'annals.outbox'::regclass
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
  AND l.granted
  AND l.pid IS DISTINCT FROM pg_backend_pid()
