-- name: move_consumer
-- on: primary as annals_keeper
-- params: tenant_id text, xid8 to begin with, or NULL where it must be there
-- rows: 1: position, xid and id; none where it is not there
-- The mover reads the feed as a consumer, so that nothing is dropped that it has not read. One that is
-- there is left where it is.
WITH added AS (
    INSERT INTO annals.consumers (name, xid, id)
    SELECT 'move:' || $1, $2::xid8, 0
    WHERE $2::xid8 IS NOT NULL
    ON CONFLICT (name) DO NOTHING
    RETURNING xid, id
)
SELECT xid::text, id FROM added
UNION ALL
SELECT xid::text, id FROM annals.consumers WHERE name = 'move:' || $1
