-- name: wal_position
-- on: primary as annals_writer, annals_reader
-- params: none
-- rows: 1: bytes of WAL, past everything committed before
-- tenant: all, it touches no row
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint
