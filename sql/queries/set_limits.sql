-- name: set_limits
-- on: any as annals_job
-- params: statement_timeout text, lock_timeout text
-- rows: 1
-- tenant: all, it touches no row
SELECT set_config('statement_timeout', $1, true),
       set_config('lock_timeout', $2, true)
