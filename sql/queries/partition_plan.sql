-- name: partition_plan
-- on: primary as annals_job
-- params: timestamptz: partitions that end later are not looked into
-- rows: one a partition, oldest first, in a period events before its entities: table, name, from and to
--       in microseconds, estimated rows, bytes with indexes and TOAST, state (partition_states); then,
--       NULL where nothing is in the way of a drop: class, its days (NULL: for ever) and one of its
--       tenants (NULL: any); hold, its tenant and reason; consumer; last, t where it is in the archive
-- tenant: all, a partition belongs to all
-- A tenant that is being moved here, hidden and with its own class and holds, may have events everywhere
-- tomorrow. The class default counts even where none of its tenants has an event: so a partition goes only
-- when the operator has said how long events are kept.
WITH unread AS MATERIALIZED (
    -- An id begins with the millisecond of its event's timestamp.
    SELECT c.name,
           c.xid,
           c.id,
           (SELECT e.id
            FROM annals.outbox AS o
            CROSS JOIN LATERAL unnest(o.event_ids) AS e (id)
            WHERE (o.xid, o.id) > (c.xid, c.id)
            ORDER BY e.id
            LIMIT 1) AS oldest_event
    FROM annals.consumers AS c
)
SELECT p.parent,
       s.name,
       (extract(epoch FROM s.from_at) * 1000000)::bigint,
       (extract(epoch FROM s.to_at) * 1000000)::bigint,
       greatest(r.reltuples::bigint, pg_stat_get_live_tuples(r.oid), 0),
       pg_total_relation_size(r.oid),
       s.state,
       class.name,
       class.keep_days,
       class.tenant_id,
       hold.id,
       hold.tenant_id,
       hold.reason,
       consumer.name,
       EXISTS (SELECT FROM annals.partition_archives AS a WHERE a.name = s.name)
FROM unnest(ARRAY['events', 'event_entities', 'outbox']) WITH ORDINALITY AS p (parent, rank)
CROSS JOIN LATERAL (
    SELECT t.*,
           (lpad(to_hex((extract(epoch FROM t.to_at) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid AS end_id
    FROM annals.partition_states(p.parent) AS t
) AS s
JOIN pg_catalog.pg_class AS r ON r.oid = s.partition_oid
-- What is asked of each partition stands inside, where it is a condition that is tested before any row
-- is read.
LEFT JOIN LATERAL (
    SELECT d.name, d.keep_days, NULL AS tenant_id
    FROM annals.retention_classes AS d
    WHERE p.parent = 'events'
      AND d.name = 'default'
      AND (d.keep_days IS NULL OR s.to_at > now() - d.keep_days * interval '24 hours')
    UNION ALL
    SELECT k.name, k.keep_days, t.tenant_id
    FROM annals.retention_classes AS k
    CROSS JOIN LATERAL (
        SELECT t.tenant_id
        FROM annals.tenants AS t
        WHERE t.retention_class = k.name
          AND (t.presence = 'hidden' OR annals.partition_has(s.name, t.tenant_id))
        LIMIT 1
    ) AS t
    WHERE p.parent = 'events'
      AND s.to_at <= $1::timestamptz
      AND k.name <> 'default'
      AND (k.keep_days IS NULL OR s.to_at > now() - k.keep_days * interval '24 hours')
    LIMIT 1
) AS class ON true
LEFT JOIN LATERAL (
    SELECT h.id, h.tenant_id, h.reason
    FROM annals.legal_holds AS h
    JOIN annals.tenants AS t USING (tenant_id)
    WHERE p.parent = 'events'
      AND s.to_at <= $1::timestamptz
      AND h.released_at IS NULL
      AND (h.from_at IS NULL OR h.from_at < s.to_at)
      AND (h.to_at IS NULL OR h.to_at > s.from_at)
      AND (t.presence = 'hidden' OR annals.partition_has(s.name, t.tenant_id))
    ORDER BY h.id
    LIMIT 1
) AS hold ON true
LEFT JOIN LATERAL (
    SELECT u.name
    FROM unread AS u
    WHERE CASE p.parent
              WHEN 'events' THEN u.oldest_event < s.end_id
              WHEN 'outbox' THEN EXISTS (SELECT
                                         FROM annals.outbox AS o
                                         WHERE o.created_at >= s.from_at
                                           AND o.created_at < s.to_at
                                           AND (o.xid, o.id) > (u.xid, u.id))
          END
    LIMIT 1
) AS consumer ON true
ORDER BY s.from_at, p.rank
