-- The roles and the schema; docs/design/data.md says what each is for. Roles belong to the whole server, so
-- they may be there already: another database has them, or an administrator made them beforehand with
-- passwords. No passwords are set here. Locks: none that anyone waits for.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT *
        FROM (VALUES ('annals_owner', 'NOLOGIN'),
                     ('annals_writer', 'LOGIN'),
                     ('annals_reader', 'LOGIN'),
                     ('annals_platform', 'LOGIN'),
                     ('annals_job', 'LOGIN'),
                     ('annals_keeper', 'LOGIN')) AS r (name, login)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.login);
            EXCEPTION
                -- Another database of this server is being migrated at the same moment.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
END
$$;

-- COPY into a table under row-level security needs BYPASSRLS. The writer cannot read documents, so this opens
-- nothing. Where it may not be granted, writes go by INSERT and are slower.
DO $$
BEGIN
    IF NOT (SELECT rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = 'annals_writer') THEN
        ALTER ROLE annals_writer BYPASSRLS;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'annals_writer could not be given BYPASSRLS: events will be written by INSERT, not COPY';
END
$$;

-- The consumers of the outbox look for open transactions of others.
DO $$
BEGIN
    IF NOT pg_catalog.pg_has_role('annals_job', 'pg_read_all_stats', 'MEMBER') THEN
        GRANT pg_read_all_stats TO annals_job;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'annals_job could not be given pg_read_all_stats: grant it before consumers are started';
END
$$;

-- ALTER TABLE ... DETACH PARTITION CONCURRENTLY is for owners, and runs in no function that could lend the
-- right. No program that serves requests has this role.
DO $$
BEGIN
    IF NOT pg_catalog.pg_has_role('annals_keeper', 'annals_owner', 'MEMBER') THEN
        GRANT annals_owner TO annals_keeper;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE
            'annals_keeper could not be set up: grant annals_owner to it before partitions are dropped';
END
$$;

-- Backstops for a program that stands still in the middle: one that holds the lock of an open
-- transaction would keep the consumers of the outbox waiting. The programs set shorter limits of their
-- own.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['annals_writer', 'annals_reader', 'annals_platform', 'annals_job',
                                'annals_keeper'] LOOP
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', role, '1min');
        EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', role, '10min');
    END LOOP;
    ALTER ROLE annals_keeper SET lock_timeout = '2s';
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE
            'the roles could not be given time limits: set idle_in_transaction_session_timeout for them';
END
$$;

-- The planner would call a compiler, which takes seconds, for what takes milliseconds: the job asks the
-- catalogue about every partition, and to the platform policies look dear that are not.
DO $$
BEGIN
    ALTER ROLE annals_job SET jit = off;
    ALTER ROLE annals_platform SET jit = off;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'annals_job and annals_platform could not be set up: set jit = off for them';
END
$$;

-- Whoever migrates acts as the owner from here on.
DO $$
BEGIN
    IF NOT pg_catalog.pg_has_role(current_user, 'annals_owner', 'MEMBER') THEN
        EXECUTE format('GRANT annals_owner TO %I', current_user);
    END IF;
END
$$;

CREATE SCHEMA annals AUTHORIZATION annals_owner;

SET LOCAL ROLE annals_owner;

GRANT USAGE ON SCHEMA annals TO annals_writer, annals_reader, annals_platform, annals_job;

CREATE TABLE annals.schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE annals.settings (
    key text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Signs cursors and write tokens, the same for all workers and hosts of this database.
INSERT INTO annals.settings (key, value)
VALUES ('signing_key',
        replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));

GRANT SELECT ON annals.schema_migrations TO annals_writer, annals_reader, annals_job;
GRANT SELECT ON annals.settings TO annals_writer, annals_reader;
