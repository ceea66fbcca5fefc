-- name: move_behind
-- on: primary as annals_keeper
-- params: tenant_id text, position xid8 and bigint
-- rows: 1: events that the feed names behind the position, of 100000 outbox rows at most
SELECT coalesce(sum(cardinality(b.event_ids)), 0)
FROM (SELECT f.event_ids
      FROM annals.outbox AS f
      WHERE f.tenant_id = $1 AND (f.xid, f.id) > ($2::xid8, $3::bigint)
      LIMIT 100000) AS b
