-- name: set_tenant
-- on: any as annals_reader
-- params: tenant_id text, statement_timeout text
-- rows: 1
-- The row-level security of this transaction, its time limit, and that its commit is on the disk when it
-- says so, whatever the server's default is; how far synchronous standbys are waited for stays the
-- operator's choice.
SELECT set_config('annals.tenant', $1, true),
       set_config('statement_timeout', $2, true),
       CASE WHEN current_setting('synchronous_commit') = 'off'
            THEN set_config('synchronous_commit', 'on', true) END
