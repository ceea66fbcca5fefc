-- name: search_in_order
-- on: any as annals_reader
-- params: plan_cache_mode text
-- rows: 1
-- tenant: all, it touches no row
-- For the rest of the transaction: a page is read in the order of an index, as far as it goes. Left alone, the
-- planner reads and sorts everything where it does not know how common a value is. What must be sorted all the same
-- (the merge of lists) then seems dear enough for a compiler, which takes longer than any page.
SELECT set_config('enable_sort', 'off', true),
       set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true),
       set_config('plan_cache_mode', $1, true)
