-- name: begin_read
-- on: any as annals_reader, annals_platform
-- params: none
-- rows: none
-- tenant: all, it touches no row
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY
