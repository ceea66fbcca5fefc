-- name: move_events
-- on: primary as annals_keeper
-- params: tenant_id text, key behind which to begin: timestamptz and uuid, rows bigint, bytes of documents
--         bigint
-- rows: the next events in key order, at most so many, and one more than fill so many bytes: the columns of
--       copy_events, then payload_ref
-- The time is said twice: partitions are pruned by the plain comparison only, and the index is entered at
-- the same place by either.
SELECT c.tenant_id,
       c."timestamp",
       c.id,
       c.received_at,
       c.action,
       c.actor_type,
       c.actor_id,
       c.outcome,
       c.source_ip,
       c.digest,
       c.document
FROM (SELECT e.*,
             sum(octet_length(e.document::text)) OVER (ORDER BY e."timestamp", e.id)
                 - octet_length(e.document::text) AS before
      FROM (SELECT n.*
            FROM annals.events AS n
            WHERE n.tenant_id = $1
              AND n."timestamp" >= $2::timestamptz
              AND (n."timestamp", n.id) > ($2::timestamptz, $3::uuid)
            ORDER BY n."timestamp", n.id
            LIMIT $4::bigint) AS e) AS c
WHERE c.before < $5::bigint
ORDER BY c."timestamp", c.id
