-- name: move_events_named
-- on: primary as annals_keeper
-- params: tenant_id text, ids uuid[]
-- rows: those that are there, in key order: the columns of copy_events
-- An id begins with the millisecond of its event's timestamp, which leads to one partition.
SELECT e.tenant_id,
       e."timestamp",
       e.id,
       e.received_at,
       e.action,
       e.actor_type,
       e.actor_id,
       e.outcome,
       e.source_ip,
       e.digest,
       e.document
FROM unnest($2::uuid[]) AS n (id)
CROSS JOIN LATERAL (
    SELECT to_timestamp(0)
           + ('x' || left(replace(n.id::text, '-', ''), 12))::bit(48)::bigint * interval '1 millisecond' AS from_at
) AS t
CROSS JOIN LATERAL (
    SELECT f.*
    FROM annals.events AS f
    WHERE f.tenant_id = $1
      AND f."timestamp" >= t.from_at
      AND f."timestamp" < t.from_at + interval '1 millisecond'
      AND f.id = n.id
) AS e
ORDER BY e."timestamp", e.id
