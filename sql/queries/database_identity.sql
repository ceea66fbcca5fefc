-- name: database_identity
-- on: any as annals_reader
-- params: none
-- rows: 1: which database this is, the same on its replicas and nowhere else
-- tenant: all, it touches no row of theirs
SELECT c.system_identifier || '/' || d.oid
FROM pg_control_system() AS c, pg_database AS d
WHERE d.datname = current_database()
