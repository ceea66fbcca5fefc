-- name: put_events
-- on: primary as annals_writer
-- params: one array a column of copy_events, sorted by (timestamp, id)
-- rows: 0
-- What COPY does, without its round trips: for small batches.
INSERT INTO annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id, outcome,
                           source_ip, digest, document)
SELECT e.*
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::inet[], $10::bytea[], $11::json[]) AS e
