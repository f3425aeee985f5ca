-- Sessions: the chain of who was there.

-- Sign-ins and tokens are deleted after a time, so what acted is kept as a value, not as a reference.
CREATE TABLE identity_chain (
    account_id        uuid NOT NULL REFERENCES accounts (id),
    seq               bigint NOT NULL CHECK (seq >= 1),
    occurred_at       timestamptz NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('booked', 'checked_in', 'signed')),
    subject           text NOT NULL,
    session           uuid,
    api_token         uuid,
    authenticated_at  timestamptz NOT NULL,
    sealed_github     bytea NOT NULL,
    prev_hash         bytea NOT NULL,
    hash              bytea NOT NULL UNIQUE,
    PRIMARY KEY (account_id, seq),
    CHECK ((session IS NULL) <> (api_token IS NULL))
);
CREATE INDEX identity_chain_subject ON identity_chain (subject, occurred_at);
CREATE TRIGGER identity_chain_append_only BEFORE UPDATE OR DELETE ON identity_chain
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER identity_chain_no_truncate BEFORE TRUNCATE ON identity_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMENT ON TABLE identity_chain IS 'Append-only, per account, each row hashed over the one before; assay audit verify walks the chains.';
COMMENT ON COLUMN identity_chain.sealed_github IS 'The number at GitHub, sealed with the person''s data key: erasing the person leaves the proof and not the number.';
