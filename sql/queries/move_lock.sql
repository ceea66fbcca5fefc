-- name: move_lock
-- on: primary as annals_job
-- params: tenant_id text
-- rows: 1: t where nobody else moves the tenant
-- In the directory, for the session: so its connection must not go through a pooler that shares sessions.
-- Taken again before each step, on a connection that may be another than before.
SELECT pg_try_advisory_lock(hashtext('annals.tenant_moves'), hashtext($1))
