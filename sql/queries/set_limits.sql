-- name: set_limits
-- on: any as annals_job
-- params: statement_timeout text, lock_timeout text
-- rows: 1
-- tenant: all, it touches no row
-- No commit before it is on the disk, as in set_tenant.
SELECT set_config('statement_timeout', $1, true),
       set_config('lock_timeout', $2, true),
       CASE WHEN current_setting('synchronous_commit') = 'off'
            THEN set_config('synchronous_commit', 'on', true) END
