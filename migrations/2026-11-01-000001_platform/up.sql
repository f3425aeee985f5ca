-- What the platform keeps for every domain: jobs, timers, the outbox, idempotency, the audit log, limits, keys.

CREATE TABLE jobs (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL CHECK (kind ~ '^[a-z0-9_.:]{1,80}$'),
    payload       jsonb NOT NULL,
    dedupe_key    text,
    run_at        timestamptz NOT NULL,
    attempts      integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts  integer NOT NULL DEFAULT 10 CHECK (max_attempts BETWEEN 1 AND 100),
    lease_until   timestamptz,
    last_error    text,
    dead_at       timestamptz,
    created_at    timestamptz NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE dead_at IS NULL;
CREATE INDEX jobs_dead ON jobs (dead_at DESC, id DESC) WHERE dead_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_dedupe ON jobs (dedupe_key) WHERE dead_at IS NULL;
COMMENT ON TABLE jobs IS 'Work to be done later or again; a row goes when the work is done, or stays with dead_at for staff to see and replay.';

CREATE TABLE timers (
    id          uuid PRIMARY KEY,
    machine     text NOT NULL,
    subject     uuid NOT NULL,
    event       text NOT NULL,
    due_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (machine, subject, event)
);
CREATE INDEX timers_due ON timers (due_at);
COMMENT ON TABLE timers IS 'Deadlines of state machines; the worker turns due ones into jobs.';

CREATE TABLE events (
    id           uuid PRIMARY KEY,
    seq          bigint UNIQUE,
    kind         text NOT NULL CHECK (kind ~ '^[a-z_]+\.[a-z_]+$'),
    subject      text NOT NULL,
    data         jsonb NOT NULL,
    audience     text[] NOT NULL,
    occurred_at  timestamptz NOT NULL
);
CREATE INDEX events_unnumbered ON events (occurred_at, id) WHERE seq IS NULL;
COMMENT ON TABLE events IS 'The outbox: written with the change, numbered without gaps by one relay, so that seq never appears below one already read.';

CREATE TABLE event_audiences (
    audience  text NOT NULL,
    seq       bigint NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    PRIMARY KEY (audience, seq)
);
CREATE INDEX event_audiences_seq ON event_audiences (seq);

CREATE TABLE event_cursor (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_seq  bigint NOT NULL
);
INSERT INTO event_cursor (last_seq) VALUES (0);

CREATE TABLE idempotency_keys (
    caller      uuid NOT NULL,
    route       text NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_hash   bytea NOT NULL,
    status      integer NOT NULL CHECK (status BETWEEN 200 AND 499),
    headers     jsonb NOT NULL,
    body        text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE audit_log (
    seq          bigint PRIMARY KEY,
    occurred_at  timestamptz NOT NULL,
    actor        uuid,
    action       text NOT NULL,
    subject      text NOT NULL,
    reason       text,
    data         jsonb NOT NULL,
    prev_hash    bytea NOT NULL,
    hash         bytea NOT NULL UNIQUE
);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMENT ON TABLE audit_log IS 'Append-only, each row hashed over the one before; assay audit verify walks the chain.';

CREATE UNLOGGED TABLE rate_counters (
    bucket       text NOT NULL,
    window_start timestamptz NOT NULL,
    used         bigint NOT NULL,
    PRIMARY KEY (bucket, window_start)
);
COMMENT ON TABLE rate_counters IS 'Shared request counts of fixed windows; unlogged, since losing them in a crash only forgives.';

CREATE TABLE policies (
    version       text PRIMARY KEY,
    document      jsonb NOT NULL,
    effective_at  timestamptz NOT NULL
);
COMMENT ON TABLE policies IS 'Every version of the policy numbers that was ever in force; things snapshot the version that governs them.';

CREATE TABLE sandbox_clock (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    offset_micros  bigint NOT NULL CHECK (offset_micros >= 0)
);
INSERT INTO sandbox_clock (offset_micros) VALUES (0);
