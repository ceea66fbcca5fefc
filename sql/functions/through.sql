-- What was committed on the primary before this instant is seen by every statement that begins later; NULL
-- where that is not known. The primary sees all. A replica sees what it has replayed: up to the commit that
-- it replayed last, and where nothing is left to replay, up to what the primary sent a moment ago: a second
-- is more than the way takes. A primary that falls silent and leaves the connection open is noticed after
-- wal_receiver_timeout. Without a search_path of its own, so that it becomes a part of the statement that
-- calls it.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.through()
    RETURNS timestamptz
    LANGUAGE sql
    VOLATILE
AS $$
    SELECT CASE
               WHEN NOT pg_is_in_recovery()
                   THEN now()
               WHEN (pg_stat_get_wal_receiver()).pid IS NOT NULL
                    AND pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()
                   THEN greatest(now() - interval '1 second', pg_last_xact_replay_timestamp())
               ELSE pg_last_xact_replay_timestamp()
           END
$$;

REVOKE ALL ON FUNCTION annals.through() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.through() TO annals_reader, annals_platform;
