-- name: outbox_put
-- on: primary as annals_writer
-- params: tenant_id text, event_ids uuid[]
-- rows: 0; not_null_violation where the tenant does not live here (docs/design/shards.md)
-- Of a transaction that COPYs, the first statement that takes a lock or a transaction id. It looks for the
-- tenant after it has its lock on outbox.
INSERT INTO annals.outbox (tenant_id, event_ids)
VALUES ((SELECT t.tenant_id FROM annals.tenants AS t WHERE t.tenant_id = $1 AND t.presence = 'open'), $2)
