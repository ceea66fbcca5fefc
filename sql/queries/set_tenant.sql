-- name: set_tenant
-- on: any as annals_reader
-- params: tenant_id text, statement_timeout text
-- rows: 1
-- The row-level security of this transaction, and its time limit.
SELECT set_config('annals.tenant', $1, true),
       set_config('statement_timeout', $2, true)
