-- name: merge_entities
-- on: primary as annals_writer
-- params: tenant_id text, then one array a column: timestamp, event_id, entity_type, entity_id
-- rows: 0
INSERT INTO annals.event_entities (tenant_id, "timestamp", event_id, entity_type, entity_id)
SELECT $1::text, e.*
FROM unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::text[]) AS e
