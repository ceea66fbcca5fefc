-- name: search_event
-- on: any as annals_reader
-- params: tenant_id text, from timestamptz, to timestamptz, id uuid
-- rows: 1 or none: document, timestamp, received_at, id, digest
-- [from, to) is the millisecond that the id names; it leads to one partition and to the primary key. Read backwards,
-- the key is entered at `to`; forwards it would be at the first row that the policy "kept" shows, which is a lower
-- bound too, and all that the tenant has before the event would be passed over.
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
ORDER BY e."timestamp" DESC, e.id DESC
LIMIT 1
