-- name: keeper_session
-- on: primary as annals_keeper
-- params: lock_timeout text, statement_timeout text
-- rows: 1: the settings; t where nobody else takes partitions away at this moment
-- tenant: all, it touches no row
-- For the session: what follows cannot run in a transaction. So database.keeper must not go through a pooler
-- that shares sessions. The lock ends with the session.
SELECT set_config('lock_timeout', $1, false),
       set_config('statement_timeout', $2, false),
       pg_try_advisory_lock(hashtext('annals.partition_removals'), 0)
