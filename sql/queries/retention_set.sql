-- name: retention_set
-- on: primary as annals_job
-- params: class text, days integer or NULL for ever
-- rows: 0
-- tenant: all, a class is of many
INSERT INTO annals.retention_classes AS c (name, keep_days)
VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE
SET keep_days = excluded.keep_days
WHERE c.keep_days IS DISTINCT FROM excluded.keep_days
