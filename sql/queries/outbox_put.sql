-- name: outbox_put
-- on: primary as annals_writer
-- params: tenant_id text, event_ids uuid[]
-- rows: 0
-- Of a transaction that COPYs, the first statement that takes a lock or a transaction id.
INSERT INTO annals.outbox (tenant_id, event_ids)
VALUES ($1, $2)
