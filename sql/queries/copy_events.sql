-- name: copy_events
-- on: primary as annals_writer
-- params: none
-- rows: none; takes tuples of lib/db/rows.c, all with the tenant of their token
COPY annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id, outcome, source_ip,
                    digest, document)
FROM STDIN (FORMAT binary)
