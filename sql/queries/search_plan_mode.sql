-- name: search_plan_mode
-- on: any as annals_reader
-- params: plan_cache_mode text
-- rows: 1
-- tenant: all, it touches no row
-- For the rest of a transaction that search_begin began otherwise.
SELECT set_config('plan_cache_mode', $1, true)
