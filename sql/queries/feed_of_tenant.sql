-- name: feed_of_tenant
-- on: primary as annals_keeper
-- params: tenant_id text, position xid8 and bigint, horizon xid8 or NULL, ids bigint
-- rows: the ids of events behind the position, in the order of the feed: xid, id of the outbox row, id of
--       the event; whole outbox rows, as many as it takes to have so many ids
-- The third step, of one tenant. Without a horizon, nobody may be writing for the tenant.
SELECT w.xid::text,
       w.id,
       n.id
FROM (SELECT o.xid,
             o.id,
             o.event_ids,
             sum(cardinality(o.event_ids)) OVER (ORDER BY o.xid, o.id) - cardinality(o.event_ids) AS before
      FROM (SELECT f.xid, f.id, f.event_ids
            FROM annals.outbox AS f
            WHERE f.tenant_id = $1
              AND (f.xid, f.id) > ($2::xid8, $3::bigint)
              AND ($4::xid8 IS NULL OR f.xid < $4::xid8)
            ORDER BY f.xid, f.id
            LIMIT $5::bigint) AS o) AS w
CROSS JOIN LATERAL unnest(w.event_ids) AS n (id)
WHERE w.before < $5::bigint
ORDER BY w.xid, w.id
