-- name: discard_plans
-- on: any as annals_reader, annals_platform
-- params: none
-- rows: none
-- tenant: all, it touches no row
-- A plan for any values knows the sizes of the tables when it was made. It is made anew once in a while,
-- so that a partition that was empty then is looked at again, also where autovacuum is late.
DISCARD PLANS
