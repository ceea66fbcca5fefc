-- name: tenant_add
-- on: primary as annals_writer
-- params: tenant_id text, name text, shard text
-- rows: 1 where it was not there; none too where the shard takes no new tenants
-- In the directory. Whoever lives on another shard does not live here. Our own tenant lives on `default`
-- always.
INSERT INTO annals.tenants (tenant_id, name, shard, presence)
SELECT $1, $2, s.name, CASE WHEN s.name = 'default' THEN 'open' ELSE 'hidden' END
FROM annals.shards AS s
WHERE s.name = $3 AND (s.state = 'open' OR $1 = 'annals')
ON CONFLICT (tenant_id) DO NOTHING
RETURNING tenant_id
