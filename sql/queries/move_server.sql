-- name: move_server
-- on: primary as annals_job
-- params: none
-- rows: 1: the server and its timeline: another one where a replica took its place, or a backup was restored
-- tenant: all, it touches no row
SELECT c.system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
FROM pg_control_system() AS c
