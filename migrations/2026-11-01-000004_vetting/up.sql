-- Vetting: approvals of developers.

CREATE TABLE approvals (
    id             uuid PRIMARY KEY,
    account_id     uuid NOT NULL REFERENCES accounts (id),
    state          text NOT NULL CHECK (state IN ('active', 'revoked', 'expired')),
    granted_by_id  uuid NOT NULL REFERENCES accounts (id),
    granted_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    reason         text NOT NULL,
    revoked_by_id  uuid REFERENCES accounts (id),
    revoked_at     timestamptz,
    revoke_reason  text,
    policy_version text NOT NULL REFERENCES policies (version),
    version        bigint NOT NULL DEFAULT 1,
    CHECK (expires_at > granted_at),
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((revoked_at IS NULL) = (revoked_by_id IS NULL)),
    CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
);
-- Also answers "is this person approved now?" from the index alone.
CREATE UNIQUE INDEX approvals_one_active ON approvals (account_id) INCLUDE (expires_at) WHERE state = 'active';
CREATE INDEX approvals_of_account ON approvals (account_id, id DESC);
CREATE INDEX approvals_by_state ON approvals (state, id DESC);
CREATE INDEX approvals_granted_by ON approvals (granted_by_id);
CREATE INDEX approvals_revoked_by ON approvals (revoked_by_id) WHERE revoked_by_id IS NOT NULL;
CREATE INDEX approvals_policy ON approvals (policy_version);
COMMENT ON TABLE approvals IS 'Who may bid: granted and revoked by an admin, each with a reason. Approved = active and before expires_at.';
