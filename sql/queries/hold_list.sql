-- name: hold_list
-- on: primary as annals_job
-- params: all boolean: those too that were released
-- rows: one a hold, oldest first: id, tenant, from and to in microseconds or NULL, reason, who placed
--       it and when, who released it and when, or NULL
-- tenant: all, for the operator's list
SELECT h.id,
       h.tenant_id,
       (extract(epoch FROM h.from_at) * 1000000)::bigint,
       (extract(epoch FROM h.to_at) * 1000000)::bigint,
       h.reason,
       h.placed_by,
       (extract(epoch FROM h.placed_at) * 1000000)::bigint,
       h.released_by,
       (extract(epoch FROM h.released_at) * 1000000)::bigint
FROM annals.legal_holds AS h
WHERE h.released_at IS NULL OR $1::boolean
ORDER BY h.id
