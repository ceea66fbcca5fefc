-- name: move_class
-- on: primary as annals_job
-- params: class text, days integer or NULL
-- rows: 1: t where there is a class of this name with as many days, now or before
-- tenant: all, a class is of many
WITH added AS (
    INSERT INTO annals.retention_classes (name, keep_days)
    VALUES ($1, $2)
    ON CONFLICT (name) DO NOTHING
    RETURNING keep_days
), found AS (
    SELECT keep_days FROM added
    UNION ALL
    SELECT keep_days FROM annals.retention_classes WHERE name = $1
)
SELECT bool_and(keep_days IS NOT DISTINCT FROM $2) FROM found
