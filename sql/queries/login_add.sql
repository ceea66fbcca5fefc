-- name: login_add
-- on: primary as annals_writer
-- params: digest of the link's token, subject, tenant, scopes, milliseconds that it is good
-- rows: 1: when it ends, in microseconds
-- tenant: all, the link says which tenant its session will be for
INSERT INTO annals.login_links (token_hash, subject, tenant, scopes, expires_at)
VALUES ($1::bytea, $2::text, $3::text, $4::integer, now() + $5::bigint * interval '1 millisecond')
RETURNING (extract(epoch FROM expires_at) * 1000000)::bigint
