-- name: partition_name
-- on: any as annals_job
-- params: table text, from_us bigint, to_us bigint
-- rows: 1
-- tenant: all, it touches no row
SELECT annals.partition_name($1, to_timestamp(0) + $2::bigint * interval '1 microsecond',
                             to_timestamp(0) + $3::bigint * interval '1 microsecond')
