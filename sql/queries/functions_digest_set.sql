-- name: functions_digest_set
-- on: primary as migrating role
-- params: SHA-256 of the text of all functions in hex
-- rows: 0
-- tenant: all, it touches no row of theirs
INSERT INTO annals.settings (key, value)
VALUES ('functions_digest', $1)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
