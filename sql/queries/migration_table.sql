-- name: migration_table
-- on: primary as migrating role
-- params: none
-- rows: 1: t where migrations were applied before
-- tenant: all, it touches no row
-- Read from the catalogue: to_regclass() may answer from a cache that is older than the lock we waited for.
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'annals' AND c.relname = 'schema_migrations')
