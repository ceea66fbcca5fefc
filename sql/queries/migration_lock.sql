-- name: migration_lock
-- on: primary as migrating role
-- params: none
-- rows: 1
-- tenant: all, it touches no row
SELECT pg_advisory_xact_lock(hashtext('annals.migrate'))
