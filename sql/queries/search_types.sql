-- name: search_types
-- on: any as annals_reader
-- params: tenant_id text, from timestamptz, to timestamptz, most bigint
-- rows: up to `most` entity types with events in [from, to), and perhaps some with events nearby
-- A loose index scan, as in search_actions.
WITH RECURSIVE period AS (
    SELECT date_trunc('quarter', greatest($2::timestamptz, annals.kept_from()), 'UTC') AS from_at,
           date_trunc('quarter', $3::timestamptz, 'UTC') + interval '93 days' AS to_at
), found (entity_type) AS (
    (SELECT k.entity_type
     FROM annals.event_entities AS k
     WHERE k.tenant_id = $1
       AND k."timestamp" >= (SELECT from_at FROM period)
       AND k."timestamp" < (SELECT to_at FROM period)
     ORDER BY k.entity_type
     LIMIT 1)
    UNION ALL
    SELECT (SELECT k.entity_type
            FROM annals.event_entities AS k
            WHERE k.tenant_id = $1
              AND k.entity_type > f.entity_type
              AND k."timestamp" >= (SELECT from_at FROM period)
              AND k."timestamp" < (SELECT to_at FROM period)
            ORDER BY k.entity_type
            LIMIT 1)
    FROM found AS f
    WHERE f.entity_type IS NOT NULL
)
SELECT f.entity_type
FROM found AS f
WHERE f.entity_type IS NOT NULL
LIMIT $4::bigint
