-- name: move_hold_put
-- on: primary as annals_keeper
-- params: tenant_id text, and the columns of move_holds
-- rows: 0
-- One that was here before is as it is where it comes from now: released, or not.
WITH known AS (
    UPDATE annals.legal_holds
    SET released_by = $7, released_at = $8::timestamptz
    WHERE tenant_id = $1
      AND from_at IS NOT DISTINCT FROM $2::timestamptz
      AND to_at IS NOT DISTINCT FROM $3::timestamptz
      AND reason = $4
      AND placed_by = $5
      AND placed_at = $6::timestamptz
    RETURNING id
)
INSERT INTO annals.legal_holds (tenant_id, from_at, to_at, reason, placed_by, placed_at,
                                released_by, released_at)
SELECT $1, $2::timestamptz, $3::timestamptz, $4, $5, $6::timestamptz, $7, $8::timestamptz
WHERE NOT EXISTS (SELECT FROM known)
