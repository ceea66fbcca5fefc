-- name: merge_nothing
-- on: primary as annals_writer
-- params: none
-- rows: 1
-- tenant: all, it touches no row
-- Something for the WAL, in a transaction that found nothing new. One that has written nothing is committed
-- without a flush and without a wait for synchronous standbys, although what it read may be on no other
-- disk yet; a transaction id alone does not change that.
SELECT pg_logical_emit_message(true, 'annals', '')
