-- name: migration_add
-- on: primary as migrating role
-- params: number integer, name text
-- rows: 0
-- tenant: all, it touches no row of theirs
INSERT INTO annals.schema_migrations (number, name)
VALUES ($1, $2)
