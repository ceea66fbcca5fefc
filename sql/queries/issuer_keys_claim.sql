-- name: issuer_keys_claim
-- on: primary as annals_writer
-- params: issuer, source, fetched_at that is known as microseconds (NULL: none), milliseconds that must
--         have passed
-- since anybody asked
-- rows: 1 where the caller shall ask the provider now; 0 where somebody did, or has newer keys
-- tenant: all, issuers belong to the installation
-- The row is the lock, and holds without a session or an open transaction: of several at once the first one
-- moves attempted_at, and the others then find it moved. An attempt of the future is of a clock that was
-- set back.
INSERT INTO annals.issuer_keys AS k (issuer, source, attempted_at)
VALUES ($1, $2, now())
ON CONFLICT (issuer, source) DO UPDATE
SET attempted_at = now()
WHERE (extract(epoch FROM k.fetched_at) * 1000000)::bigint IS NOT DISTINCT FROM $3::bigint
  AND (k.attempted_at <= now() - $4::bigint * interval '1 millisecond' OR k.attempted_at > now())
RETURNING 1
