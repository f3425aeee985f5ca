-- People's rights: export and erasure. Reasons in the audit log that are about a person are sealed by their data key.

CREATE TABLE data_requests (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts (id),
    kind         text NOT NULL CHECK (kind IN ('export', 'erasure')),
    state        text NOT NULL CHECK (state IN ('requested', 'ready', 'expired', 'cooling', 'held', 'cancelled', 'erased')),
    due_at       timestamptz,
    expires_at   timestamptz,
    sealed       bytea,
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CHECK ((state = 'ready') = (sealed IS NOT NULL)),
    CHECK ((kind = 'export') = (state IN ('requested', 'ready', 'expired')))
);
CREATE UNIQUE INDEX data_requests_one_open ON data_requests (account_id, kind)
    WHERE state IN ('requested', 'cooling', 'held');
CREATE INDEX data_requests_of_account ON data_requests (account_id, id DESC);
COMMENT ON COLUMN data_requests.sealed IS 'The export, sealed by the person''s data key, while it can be fetched.';

ALTER TABLE audit_log ADD COLUMN about uuid, ADD COLUMN sealed_reason bytea;
COMMENT ON COLUMN audit_log.about IS 'Whose data key seals the reason; with the key destroyed the reason is unreadable and the chain still holds.';

-- What goes with a person who is erased.
CREATE FUNCTION organisations_of_one(person uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT m.organisation_id FROM organisation_members m
    WHERE m.account_id = person AND NOT EXISTS (
        SELECT 1 FROM organisation_members o
        WHERE o.organisation_id = m.organisation_id AND o.account_id <> person)
$$;
