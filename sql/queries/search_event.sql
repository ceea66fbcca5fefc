-- name: search_event
-- on: any as annals_reader
-- params: tenant_id text, from timestamptz, to timestamptz, id uuid
-- rows: 1 or none: document, timestamp and received_at in microseconds, id, digest in hexadecimal
-- [from, to) is the millisecond that the id names; it leads to one partition and to the primary key.
SELECT e.document,
       (extract(epoch FROM e."timestamp") * 1000000)::bigint,
       (extract(epoch FROM e.received_at) * 1000000)::bigint,
       e.id,
       encode(e.digest, 'hex')
FROM annals.events AS e
WHERE e.tenant_id = $1
  AND e."timestamp" >= $2::timestamptz
  AND e."timestamp" < $3::timestamptz
  AND e.id = $4::uuid
