-- name: status_database
-- on: any as annals_reader
-- params: none
-- rows: 1: server version, name, bytes, t on a replica, start of the server in microseconds, connections to
--       this database, newest migration
-- tenant: all, it counts no rows of theirs
SELECT current_setting('server_version'),
       current_database(),
       pg_database_size(current_database()),
       pg_is_in_recovery(),
       (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
       (SELECT numbackends FROM pg_catalog.pg_stat_database WHERE datname = current_database()),
       (SELECT max(number) FROM annals.schema_migrations)
