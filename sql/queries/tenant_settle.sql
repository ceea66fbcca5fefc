-- name: tenant_settle
-- on: primary as annals_writer
-- params: tenant_id text, name text
-- rows: none
-- On the shard that the directory names, once it does. A row that is there is the mover's business.
INSERT INTO annals.tenants (tenant_id, name)
VALUES ($1, $2)
ON CONFLICT (tenant_id) DO NOTHING
