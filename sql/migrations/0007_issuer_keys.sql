-- What identity providers last answered, for all hosts: one asks, the others read. Whoever may write here
-- may say whose signatures count, as whoever may write annals.sessions may say who is logged in.
-- Locks: on a new table only.
SET LOCAL ROLE annals_owner;

CREATE TABLE annals.issuer_keys (
    issuer text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,      -- the URL of the configuration
    keys json,                             -- JWK set, byte for byte; NULL until the first good answer
    etag text COLLATE "C" NOT NULL DEFAULT '',
    fetched_at timestamptz,                -- when the provider last vouched for them
    attempted_at timestamptz NOT NULL,     -- when somebody last undertook to ask
    PRIMARY KEY (issuer, source)
);

GRANT SELECT, INSERT, UPDATE ON annals.issuer_keys TO annals_writer;
