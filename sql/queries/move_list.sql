-- name: move_list
-- on: primary as annals_job
-- params: all boolean: those too that are finished; tenant_id text: of that tenant alone (NULL: of all)
-- rows: one a move, oldest first: id, tenant, source, target, step, who started it and when in
--       microseconds, when it was saved last, finished (NULL: it is not), how long writers waited in
--       microseconds (NULL: not yet), events there were, copied, followed, compared, the key behind which
--       copying goes on, t where it ever came to `close`, servers of source and target when copying began
--       (move_server)
-- tenant: all, for the operator's list
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
WHERE (m.finished_at IS NULL OR $1::boolean)
  AND ($2::text IS NULL OR m.tenant_id = $2)
ORDER BY m.id
