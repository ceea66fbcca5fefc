-- name: move_compare_entities
-- on: primary as annals_keeper
-- params: tenant_id text, from timestamptz, key behind which to begin: type, id, timestamptz, uuid; to
--         timestamptz; last key, in the same way, or NULL: all that are left; rows bigint or NULL, position
--         in the feed xid8 and bigint, or NULL
-- rows: 1: entities, a sum over all of their columns, the last key: type, id, microseconds, uuid (NULL: none)
-- As move_compare_events.
WITH fresh AS MATERIALIZED (
    SELECT n.id
    FROM annals.outbox AS o
    CROSS JOIN LATERAL unnest(o.event_ids) AS n (id)
    WHERE o.tenant_id = $1 AND (o.xid, o.id) > ($13::xid8, $14::bigint)
), part AS MATERIALIZED (
    SELECT n.entity_type,
           n.entity_id,
           n."timestamp",
           n.event_id,
           ('x' || encode(substr(sha256(convert_to(n::text, 'UTF8')), 1, 8),
                          'hex'))::bit(64)::bigint AS digest
    FROM annals.event_entities AS n
    WHERE n.tenant_id = $1
      AND n."timestamp" >= $2::timestamptz
      AND n."timestamp" < $7::timestamptz
      AND (n.entity_type, n.entity_id, n."timestamp", n.event_id)
          > ($3::text, $4::text, $5::timestamptz, $6::uuid)
      AND ($8::text IS NULL
           OR (n.entity_type, n.entity_id, n."timestamp", n.event_id)
               <= ($8::text, $9::text, $10::timestamptz, $11::uuid))
      AND n.event_id NOT IN (SELECT f.id FROM fresh AS f)
    ORDER BY n.entity_type, n.entity_id, n."timestamp", n.event_id
    LIMIT $12::bigint
)
SELECT (SELECT count(*) FROM part),
       (SELECT sum(p.digest) FROM part AS p),
       l.entity_type,
       l.entity_id,
       (extract(epoch FROM l."timestamp") * 1000000)::bigint,
       l.event_id
FROM (VALUES (0)) AS one (row)
LEFT JOIN (SELECT k.*
           FROM part AS k
           ORDER BY k.entity_type DESC, k.entity_id DESC, k."timestamp" DESC, k.event_id DESC
           LIMIT 1) AS l ON true
