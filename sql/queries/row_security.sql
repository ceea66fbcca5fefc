-- name: row_security
-- on: primary as annals_writer
-- params: none
-- rows: 1: t where row-level security applies to this role
-- tenant: all, it touches no row
SELECT row_security_active('annals.events')
