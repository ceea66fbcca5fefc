-- name: search_pair_rows
-- on: any as annals_reader
-- params: tenant_id text, types text[], ids text[], from timestamptz, to timestamptz, most bigint
-- rows: 1: how many events these entities have in [from, to), each counted up to `most`
SELECT count(*)
FROM unnest($2::text[], $3::text[]) AS v (type, id)
CROSS JOIN LATERAL (SELECT
                    FROM annals.event_entities AS k
                    WHERE k.tenant_id = $1
                      AND k.entity_type = v.type
                      AND k.entity_id = v.id
                      AND k."timestamp" >= greatest($4::timestamptz, annals.kept_from())
                      AND k."timestamp" < $5::timestamptz
                    LIMIT $6::bigint) AS counted
