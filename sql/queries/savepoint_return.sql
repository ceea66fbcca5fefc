-- name: savepoint_return
-- on: primary as annals_writer
-- params: none
-- rows: none
-- tenant: all, it touches no row
ROLLBACK TO SAVEPOINT item
