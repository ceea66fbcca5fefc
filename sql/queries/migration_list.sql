-- name: migration_list
-- on: any as migrating role, annals_job, annals_writer, annals_reader
-- params: none
-- rows: one for each that is applied, in order: number, applied_at in microseconds
-- tenant: all, it touches no row of theirs
SELECT number,
       (extract(epoch FROM applied_at) * 1000000)::bigint
FROM annals.schema_migrations
ORDER BY number
