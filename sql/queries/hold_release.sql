-- name: hold_release
-- on: primary as annals_job
-- params: id bigint, released_by text
-- rows: 1: its tenant; none where there is no such hold, or it was released before
-- tenant: all, a hold is named by its id
UPDATE annals.legal_holds
SET released_by = $2, released_at = now()
WHERE id = $1 AND released_at IS NULL
RETURNING tenant_id
