-- name: outbox_add
-- on: primary as annals_writer
-- params: tenant_id text, event_ids uuid[]
-- rows: 0
-- What outbox_put does, in a transaction that began with outbox_lock and tenant_here.
INSERT INTO annals.outbox (tenant_id, event_ids)
VALUES ($1, $2)
