-- name: partition_create
-- on: primary as annals_job
-- params: table text, from_us bigint, to_us bigint
-- rows: 1: t when made, f when it was there
-- tenant: all, it touches no row
SELECT annals.partition_create($1, to_timestamp(0) + $2::bigint * interval '1 microsecond',
                               to_timestamp(0) + $3::bigint * interval '1 microsecond')
