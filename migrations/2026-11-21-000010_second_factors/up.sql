-- Identity: second factors (RFC 6238), with which staff and whoever wants to confirm sensitive acts.

CREATE TABLE second_factors (
    account_id     uuid PRIMARY KEY REFERENCES accounts (id),
    sealed         bytea NOT NULL,
    confirmed_at   timestamptz,
    last_step      bigint,
    failures       integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    blocked_until  timestamptz,
    created_at     timestamptz NOT NULL
);
COMMENT ON COLUMN second_factors.last_step IS 'The newest time step whose code was taken: a code is taken once.';

CREATE TABLE recovery_codes (
    account_id  uuid NOT NULL REFERENCES second_factors (account_id) ON DELETE CASCADE,
    code_hash   bytea NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (account_id, code_hash)
);

ALTER TABLE sessions ADD COLUMN stepped_up_at timestamptz;
COMMENT ON COLUMN sessions.stepped_up_at IS 'When a code of the second factor was last given in it.';
