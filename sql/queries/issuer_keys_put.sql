-- name: issuer_keys_put
-- on: primary as annals_writer
-- params: issuer, source, keys, etag, microseconds since the answer was asked for
-- rows: 1: fetched_at as microseconds
-- tenant: all, issuers belong to the installation
UPDATE annals.issuer_keys
SET keys = $3::json,
    etag = $4,
    fetched_at = now() - $5::bigint * interval '1 microsecond'
WHERE issuer = $1
  AND source = $2
RETURNING (extract(epoch FROM fetched_at) * 1000000)::bigint
