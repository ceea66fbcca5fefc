-- name: move_compare_named
-- on: primary as annals_keeper
-- params: tenant_id text, keys of events: timestamptz[] and uuid[]
-- rows: 1: events that are there, a sum over all of their columns; of the entities that they name: the same
WITH part AS MATERIALIZED (
    SELECT e.*
    FROM unnest($2::timestamptz[], $3::uuid[]) AS k ("timestamp", id)
    JOIN annals.events AS e ON e.tenant_id = $1 AND e."timestamp" = k."timestamp" AND e.id = k.id
), named AS (
    SELECT DISTINCT p."timestamp", p.id, n.entity ->> 'type' AS type, n.entity ->> 'id' AS name
    FROM part AS p
    CROSS JOIN LATERAL json_array_elements(p.document -> 'entities') AS n (entity)
), texts (row, is_event) AS (
    SELECT p::text, true
    FROM part AS p
    UNION ALL
    SELECT n::text, false
    FROM named AS k
    JOIN annals.event_entities AS n
      ON n.tenant_id = $1
     AND n.entity_type = k.type
     AND n.entity_id = k.name
     AND n."timestamp" = k."timestamp"
     AND n.event_id = k.id
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
