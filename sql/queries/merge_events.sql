-- name: merge_events
-- on: primary as annals_writer
-- params: one array a column of copy_events, sorted by (timestamp, id)
-- rows: one for each event that was not there: timestamp in microseconds, id
-- The arrays are sorted by (timestamp, id), so that writers of the same events wait for each other in
-- one order. This waits for the transaction of another writer that has the same event.
INSERT INTO annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id, outcome,
                           source_ip, digest, document)
SELECT e.*
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::inet[], $10::bytea[], $11::json[]) AS e
ON CONFLICT (tenant_id, "timestamp", id) DO NOTHING
RETURNING (extract(epoch FROM "timestamp") * 1000000)::bigint, id
