-- name: session_see
-- on: any as annals_reader
-- params: digest of the session's id
-- rows: 1 where it is there and has not ended: subject, tenant, scopes, csrf
-- tenant: all, the session says which tenant it is for
-- For as long as the primary cannot be reached: one that was ended a moment before may still be seen.
SELECT s.subject,
       s.tenant,
       s.scopes,
       s.csrf
FROM annals.session_see($1::bytea) AS s
