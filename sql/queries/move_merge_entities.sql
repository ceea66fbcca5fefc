-- name: move_merge_entities
-- on: primary as annals_writer
-- params: one array a column of copy_entities
-- rows: 0
INSERT INTO annals.event_entities (tenant_id, "timestamp", event_id, entity_type, entity_id)
SELECT e.*
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[]) AS e
ON CONFLICT DO NOTHING
