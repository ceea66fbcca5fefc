-- name: search_event
-- on: any as annals_reader
-- params: tenant_id text, from timestamptz, to timestamptz, id uuid
-- rows: 1 or none: document, timestamp, received_at, id, digest
-- [from, to) is the millisecond that the id names; it leads to one partition and to the primary key.
SELECT e.document,
       e."timestamp",
       e.received_at,
       e.id,
       e.digest
FROM annals.events AS e
WHERE e.tenant_id = $1
  AND e."timestamp" >= $2::timestamptz
  AND e."timestamp" < $3::timestamptz
  AND e.id = $4::uuid
