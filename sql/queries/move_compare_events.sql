-- name: move_compare_events
-- on: primary as annals_keeper
-- params: tenant_id text, key behind which to begin: timestamptz and uuid, to timestamptz, last key:
--         timestamptz and uuid, or NULL: up to `to`, rows bigint or NULL, position in the feed xid8 and
--         bigint, or NULL
-- rows: 1: events, a sum over all of their columns, the last key in microseconds and as uuid (NULL: none)
-- What stands behind the position in the feed is left out.
WITH fresh AS MATERIALIZED (
    SELECT n.id
    FROM annals.outbox AS o
    CROSS JOIN LATERAL unnest(o.event_ids) AS n (id)
    WHERE o.tenant_id = $1 AND (o.xid, o.id) > ($8::xid8, $9::bigint)
), part AS MATERIALIZED (
    SELECT e."timestamp",
           e.id,
           ('x' || encode(substr(sha256(convert_to(e::text, 'UTF8')), 1, 8),
                          'hex'))::bit(64)::bigint AS digest
    FROM annals.events AS e
    WHERE e.tenant_id = $1
      AND e."timestamp" >= $2::timestamptz
      AND (e."timestamp", e.id) > ($2::timestamptz, $3::uuid)
      AND e."timestamp" < $4::timestamptz
      AND ($5::timestamptz IS NULL OR (e."timestamp", e.id) <= ($5::timestamptz, $6::uuid))
      AND e.id NOT IN (SELECT f.id FROM fresh AS f)
    ORDER BY e."timestamp", e.id
    LIMIT $7::bigint
)
SELECT count(*),
       sum(p.digest),
       (extract(epoch FROM max(p."timestamp")) * 1000000)::bigint,
       (SELECT l.id FROM part AS l ORDER BY l."timestamp" DESC, l.id DESC LIMIT 1)
FROM part AS p
