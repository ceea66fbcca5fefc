-- name: signing_key
-- on: any as annals_reader
-- params: none
-- rows: 1: 64 hexadecimal digits
-- tenant: all, one key signs the cursors and write tokens of this database
SELECT value
FROM annals.settings
WHERE key = 'signing_key'
