-- name: copy_entities
-- on: primary as annals_writer
-- params: none
-- rows: none; takes tuples of lib/db/rows.c, all with the tenant of their token
COPY annals.event_entities (tenant_id, "timestamp", event_id, entity_type, entity_id)
FROM STDIN (FORMAT binary)
