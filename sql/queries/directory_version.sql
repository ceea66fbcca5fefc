-- name: directory_version
-- on: any as annals_reader, annals_writer
-- params: none
-- rows: 1: a number that grows with every change of a shard or of where a tenant lives; when it grew last, in
--       microseconds; NULL on a replica, else the history that it belongs to: another one once a replica
--       was promoted
-- tenant: all, it touches no row of theirs
SELECT v.value::bigint,
       c.value::bigint,
       CASE
           WHEN NOT pg_is_in_recovery()
               THEN (SELECT system_identifier
                     FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
       END
FROM annals.settings AS v, annals.settings AS c
WHERE v.key = 'directory_version' AND c.key = 'directory_changed_at'
