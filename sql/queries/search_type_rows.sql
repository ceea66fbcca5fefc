-- name: search_type_rows
-- on: any as annals_reader
-- params: tenant_id text, types text[], from timestamptz, to timestamptz, most bigint
-- rows: 1: how many entities of these types there are in [from, to), counted up to `most`
SELECT count(*)
FROM (SELECT
      FROM annals.event_entities AS k
      WHERE k.tenant_id = $1
        AND k.entity_type = ANY ($2::text[])
        AND k."timestamp" >= greatest($3::timestamptz, annals.kept_from())
        AND k."timestamp" < $4::timestamptz
      LIMIT $5::bigint) AS few
