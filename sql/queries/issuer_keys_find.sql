-- name: issuer_keys_find
-- on: primary as annals_writer
-- params: issuer, source, fetched_at that is known already as microseconds (NULL: none)
-- rows: 1 where anybody ever asked: keys (NULL where they are known), etag, fetched_at as microseconds, its
--       age in
-- microseconds
-- tenant: all, issuers belong to the installation
-- Ages are of this server's clock, so clocks of hosts need not agree.
SELECT CASE WHEN i.at IS DISTINCT FROM $3::bigint THEN k.keys END,
       k.etag,
       i.at,
       greatest(0, (extract(epoch FROM now() - k.fetched_at) * 1000000)::bigint)
FROM annals.issuer_keys AS k
CROSS JOIN LATERAL (SELECT (extract(epoch FROM k.fetched_at) * 1000000)::bigint AS at) AS i
WHERE k.issuer = $1
  AND k.source = $2
