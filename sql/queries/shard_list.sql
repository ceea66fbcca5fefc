-- name: shard_list
-- on: any as annals_reader
-- params: none
-- rows: one for each replica of a shard, or one where it has none; by name, then in their order: name,
--       place of the primary ('': the configuration says it), of the replica (NULL: none), t when draining,
--       added_at in microseconds
-- tenant: all, it touches no row of theirs
SELECT s.name,
       s.primary_conninfo,
       r.place,
       s.state = 'draining',
       (extract(epoch FROM s.added_at) * 1000000)::bigint
FROM annals.shards AS s
LEFT JOIN LATERAL unnest(s.replicas) WITH ORDINALITY AS r (place, number) ON true
ORDER BY s.name, r.number
