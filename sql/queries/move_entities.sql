-- name: move_entities
-- on: primary as annals_keeper
-- params: tenant_id text, keys of events: timestamptz[] and uuid[]
-- rows: what these events touched: the columns of copy_entities
-- From their documents: the key of event_entities leads from entities to events, not back.
-- OFFSET 0: see move_events_named.
SELECT DISTINCT
       e.tenant_id,
       e."timestamp",
       e.id,
       n.entity ->> 'type',
       n.entity ->> 'id'
FROM unnest($2::timestamptz[], $3::uuid[]) AS k ("timestamp", id)
CROSS JOIN LATERAL (
    SELECT f.*
    FROM annals.events AS f
    WHERE f.tenant_id = $1 AND f."timestamp" = k."timestamp" AND f.id = k.id
    OFFSET 0
) AS e
CROSS JOIN LATERAL json_array_elements(e.document -> 'entities') AS n (entity)
