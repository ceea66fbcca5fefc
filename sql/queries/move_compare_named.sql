-- name: move_compare_named
-- on: primary as annals_keeper
-- params: tenant_id text, keys of events: timestamptz[] and uuid[]
-- rows: 1: events that are there, a sum over all of their columns; of the entities that they name: the same
-- A document within a row as text would be quoted, which takes longer than all the rest. OFFSET 0: see
-- move_events_named.
WITH part AS MATERIALIZED (
    SELECT e.*
    FROM unnest($2::timestamptz[], $3::uuid[]) AS k ("timestamp", id)
    CROSS JOIN LATERAL (
        SELECT f.*
        FROM annals.events AS f
        WHERE f.tenant_id = $1 AND f."timestamp" = k."timestamp" AND f.id = k.id
        OFFSET 0
    ) AS e
), named AS (
    SELECT DISTINCT p."timestamp", p.id, n.entity ->> 'type' AS type, n.entity ->> 'id' AS name
    FROM part AS p
    CROSS JOIN LATERAL json_array_elements(p.document -> 'entities') AS n (entity)
), texts (row, is_event) AS (
    SELECT p.document::text
           || ROW(p."timestamp", p.id, p.received_at, p.action, p.actor_type, p.actor_id, p.outcome,
                  p.source_ip, p.digest, p.payload_ref)::text,
           true
    FROM part AS p
    UNION ALL
    SELECT n.row, false
    FROM named AS k
    CROSS JOIN LATERAL (
        SELECT f::text AS row
        FROM annals.event_entities AS f
        WHERE f.tenant_id = $1
          AND f.entity_type = k.type
          AND f.entity_id = k.name
          AND f."timestamp" = k."timestamp"
          AND f.event_id = k.id
        OFFSET 0
    ) AS n
), digests AS (
    SELECT t.is_event,
           ('x' || encode(substr(sha256(convert_to(t.row, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint AS digest
    FROM texts AS t
)
SELECT count(*) FILTER (WHERE d.is_event),
       sum(d.digest) FILTER (WHERE d.is_event),
       count(*) FILTER (WHERE NOT d.is_event),
       sum(d.digest) FILTER (WHERE NOT d.is_event)
FROM digests AS d
