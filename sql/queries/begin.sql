-- name: begin
-- on: primary as annals_writer
-- params: none
-- rows: none
-- tenant: all, it touches no row
BEGIN ISOLATION LEVEL READ COMMITTED
