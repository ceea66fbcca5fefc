-- name: savepoint
-- on: primary as annals_writer
-- params: none
-- rows: none
-- tenant: all, it touches no row
-- So that what the server refuses from here on does not end the transaction.
SAVEPOINT item
