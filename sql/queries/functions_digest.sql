-- name: functions_digest
-- on: any as migrating role
-- params: none
-- rows: 1 where functions were applied: SHA-256 of their text in hex
-- tenant: all, it touches no row of theirs
SELECT value
FROM annals.settings
WHERE key = 'functions_digest'
