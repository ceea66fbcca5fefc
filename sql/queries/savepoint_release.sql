-- name: savepoint_release
-- on: primary as annals_writer
-- params: none
-- rows: none
-- tenant: all, it touches no row
RELEASE SAVEPOINT item
