-- name: outbox_lock
-- on: primary as annals_writer
-- params: none
-- rows: none
-- tenant: all, it touches no row
-- What outbox_put does for the order of the feed, where the ids are known only later.
LOCK TABLE ONLY annals.outbox IN ROW EXCLUSIVE MODE
