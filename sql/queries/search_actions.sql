-- name: search_actions
-- on: any as annals_reader
-- params: tenant_id text, low text, high text, from timestamptz, to timestamptz, most bigint
-- rows: up to `most` actions of [low, high) with events in [from, to), and perhaps some with events nearby
-- A loose index scan: one descent for each action, not one for each event. The time only picks partitions: it
-- is widened to whole quarters, so that within a partition the first entry of an action is enough.
WITH RECURSIVE period AS (
    SELECT date_trunc('quarter', greatest($4::timestamptz, annals.kept_from()), 'UTC') AS from_at,
           date_trunc('quarter', $5::timestamptz, 'UTC') + interval '93 days' AS to_at
), found (action) AS (
    (SELECT e.action
     FROM annals.events AS e
     WHERE e.tenant_id = $1
       AND e.action >= $2
       AND e.action < $3
       AND e."timestamp" >= (SELECT from_at FROM period)
       AND e."timestamp" < (SELECT to_at FROM period)
     ORDER BY e.action
     LIMIT 1)
    UNION ALL
    SELECT (SELECT e.action
            FROM annals.events AS e
            WHERE e.tenant_id = $1
              AND e.action > f.action
              AND e.action < $3
              AND e."timestamp" >= (SELECT from_at FROM period)
              AND e."timestamp" < (SELECT to_at FROM period)
            ORDER BY e.action
            LIMIT 1)
    FROM found AS f
    WHERE f.action IS NOT NULL
)
SELECT f.action
FROM found AS f
WHERE f.action IS NOT NULL
LIMIT $6::bigint
