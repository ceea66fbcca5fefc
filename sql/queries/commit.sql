-- name: commit
-- on: any as annals_reader
-- params: none
-- rows: none
-- tenant: all, it touches no row
COMMIT
