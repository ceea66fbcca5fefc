-- Who is logged in to the console. Only digests of secrets are kept: a copy of these tables opens nothing.
-- Locks: on new tables only.
SET LOCAL ROLE annals_owner;

CREATE TABLE annals.sessions (
    id_hash bytea PRIMARY KEY,
    subject text NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    scopes integer NOT NULL,
    csrf text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX sessions_expiry ON annals.sessions (expires_at);

CREATE TABLE annals.login_links (
    token_hash bytea PRIMARY KEY,
    subject text NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    scopes integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX login_links_expiry ON annals.login_links (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON annals.sessions, annals.login_links TO annals_writer;
