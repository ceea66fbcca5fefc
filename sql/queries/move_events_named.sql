-- name: move_events_named
-- on: primary as annals_keeper
-- params: tenant_id text, ids uuid[]
-- rows: those that are there, in key order: the columns of copy_events
-- An id begins with the millisecond of its event's timestamp, which leads to one partition. It is computed
-- apart: under row-level security no expression may stand where the index is entered. OFFSET 0: one descent
-- for each id, whatever the planner believes.
WITH named AS MATERIALIZED (
    SELECT n.id, t.at AS from_at, t.at + interval '1 millisecond' AS to_at
    FROM unnest($2::uuid[]) AS n (id)
    CROSS JOIN LATERAL (
        SELECT to_timestamp(0)
               + ('x' || left(replace(n.id::text, '-', ''), 12))::bit(48)::bigint
                 * interval '1 millisecond' AS at
    ) AS t
)
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
FROM named AS n
CROSS JOIN LATERAL (
    SELECT f.*
    FROM annals.events AS f
    WHERE f.tenant_id = $1 AND f."timestamp" >= n.from_at AND f."timestamp" < n.to_at AND f.id = n.id
    OFFSET 0
) AS e
ORDER BY e."timestamp", e.id
