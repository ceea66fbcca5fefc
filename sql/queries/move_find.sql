-- name: move_find
-- on: primary as annals_job
-- params: tenant_id text
-- rows: as move_list: the newest move of the tenant, or none
SELECT m.id,
       m.tenant_id,
       m.source,
       m.target,
       m.step,
       m.started_by,
       (extract(epoch FROM m.started_at) * 1000000)::bigint,
       (extract(epoch FROM m.saved_at) * 1000000)::bigint,
       (extract(epoch FROM m.finished_at) * 1000000)::bigint,
       (extract(epoch FROM m.opened_at - m.closed_at) * 1000000)::bigint,
       m.events,
       m.copied,
       m.followed,
       m.compared,
       (extract(epoch FROM m.copied_at) * 1000000)::bigint,
       m.copied_id,
       m.closed_at IS NOT NULL,
       m.source_server,
       m.target_server
FROM annals.tenant_moves AS m
WHERE m.tenant_id = $1
ORDER BY m.id DESC
LIMIT 1
