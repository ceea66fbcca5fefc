-- name: merge_known
-- on: primary as annals_writer
-- params: tenant_id text, timestamps timestamptz[], ids uuid[]
-- rows: one for each that is there, in the order asked: its place in the arrays from 0, digest in hex,
--       received_at in microseconds
-- A statement of its own after merge_events, so that it sees what other writers committed meanwhile.
SELECT k.place - 1,
       encode(e.digest, 'hex'),
       (extract(epoch FROM e.received_at) * 1000000)::bigint
FROM unnest($2::timestamptz[], $3::uuid[]) WITH ORDINALITY AS k ("timestamp", id, place)
JOIN annals.events AS e
  ON e.tenant_id = $1 AND e."timestamp" = k."timestamp" AND e.id = k.id
ORDER BY k.place
