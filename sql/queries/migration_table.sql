-- name: migration_table
-- on: primary as migrating role
-- params: none
-- rows: 1: t where migrations were applied before
-- tenant: all, it touches no row
SELECT to_regclass('annals.schema_migrations') IS NOT NULL
