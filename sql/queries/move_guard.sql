-- name: move_guard
-- on: primary as annals_keeper
-- params: tenant_id text, placed_by text, wanted boolean
-- rows: 0
-- The mover's own hold on the target, on all times: whatever class and holds the tenant had when they were
-- brought last, no partition with what was brought goes before they are brought for good. It is nobody's
-- decision, so nothing of it is left behind.
WITH gone AS (
    DELETE FROM annals.legal_holds
    WHERE tenant_id = $1 AND placed_by = $2 AND NOT $3::boolean
)
INSERT INTO annals.legal_holds (tenant_id, reason, placed_by)
SELECT $1, 'is being moved here', $2
WHERE $3::boolean
  AND NOT EXISTS (SELECT
                  FROM annals.legal_holds
                  WHERE tenant_id = $1 AND placed_by = $2 AND released_at IS NULL)
