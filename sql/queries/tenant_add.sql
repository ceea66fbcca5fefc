-- name: tenant_add
-- on: primary as annals_writer
-- params: tenant_id text, name text
-- rows: 1 where it was not there
INSERT INTO annals.tenants (tenant_id, name)
VALUES ($1, $2)
ON CONFLICT (tenant_id) DO NOTHING
RETURNING tenant_id
