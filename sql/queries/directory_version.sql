-- name: directory_version
-- on: any as annals_reader
-- params: none
-- rows: 1: a number that grows with every change of a shard or of where a tenant lives
-- tenant: all, it touches no row of theirs
SELECT value::bigint
FROM annals.settings
WHERE key = 'directory_version'
