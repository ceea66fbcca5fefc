-- name: move_settings
-- on: primary as annals_keeper
-- params: none
-- rows: 1
-- tenant: all, it touches no row
-- Both sides must write a row as the same text. What is read goes in the order of an index, for a planner
-- that knows nothing about the tenant.
SELECT set_config('timezone', 'UTC', true),
       set_config('datestyle', 'ISO', true),
       set_config('bytea_output', 'hex', true),
       set_config('enable_sort', 'off', true),
       set_config('enable_seqscan', 'off', true),
       set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)
