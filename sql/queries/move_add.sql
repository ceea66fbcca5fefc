-- name: move_add
-- on: primary as annals_job
-- params: tenant_id text, source text, target text, started_by text
-- rows: 0
INSERT INTO annals.tenant_moves (tenant_id, source, target, started_by)
VALUES ($1, $2, $3, $4)
