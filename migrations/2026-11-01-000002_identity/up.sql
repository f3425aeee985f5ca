-- Identity: people, their sign-ins and tokens, staff permissions, organisations of clients.

CREATE TABLE accounts (
    id             uuid PRIMARY KEY,
    github_id      bigint NOT NULL CONSTRAINT accounts_github_id UNIQUE CHECK (github_id > 0),
    login          text NOT NULL,
    avatar_url     text,
    status         text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'suspended', 'erased')),
    roles          text[] NOT NULL DEFAULT '{}' CHECK (roles <@ ARRAY['developer', 'client']),
    display_name   text,
    headline       text,
    bio            text,
    country        text CHECK (country ~ '^[A-Z]{2}$'),
    time_zone      text,
    website        text,
    contact_email  text,
    github_emails  jsonb NOT NULL DEFAULT '[]',
    terms_version  text,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT accounts_signed_up CHECK (
        status <> 'active' OR (display_name IS NOT NULL AND terms_version IS NOT NULL AND cardinality(roles) > 0))
);
-- Not unique: GitHub logins are renamed and given to others, so a stored one may be out of date.
CREATE INDEX accounts_login ON accounts (lower(login));
COMMENT ON TABLE accounts IS 'People. github_id is GitHub''s number for the person and the only identity; login is for display.';
COMMENT ON COLUMN accounts.github_emails IS 'Verified addresses at the last sign-in: [{"email": …, "primary": …}].';

CREATE TABLE consents (
    account_id  uuid NOT NULL REFERENCES accounts (id),
    kind        text NOT NULL CHECK (kind IN ('terms')),
    version     text NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, version)
);

CREATE TABLE account_data_keys (
    account_id  uuid PRIMARY KEY REFERENCES accounts (id),
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
COMMENT ON TABLE account_data_keys IS 'A key per person, wrapped by the master key; deleting it makes what it sealed unreadable.';

CREATE TABLE github_tokens (
    account_id  uuid PRIMARY KEY REFERENCES accounts (id),
    sealed      bytea NOT NULL,
    scopes      text[] NOT NULL,
    at          timestamptz NOT NULL
);

CREATE TABLE staff_permissions (
    account_id     uuid NOT NULL REFERENCES accounts (id),
    permission     text NOT NULL CHECK (permission IN ('curator', 'assessor', 'reviewer', 'finance', 'admin')),
    granted_at     timestamptz NOT NULL,
    granted_by_id  uuid REFERENCES accounts (id),
    reason         text NOT NULL,
    PRIMARY KEY (account_id, permission)
);
CREATE INDEX staff_permissions_granted_by ON staff_permissions (granted_by_id) WHERE granted_by_id IS NOT NULL;
CREATE INDEX staff_permissions_permission ON staff_permissions (permission);
COMMENT ON COLUMN staff_permissions.granted_by_id IS 'None when granted from the command line.';

CREATE TABLE sign_in_states (
    state_hash    bytea PRIMARY KEY,
    browser_hash  bytea NOT NULL,
    verifier      bytea NOT NULL,
    return_to     text NOT NULL,
    mode          text NOT NULL CHECK (mode IN ('browser', 'token')),
    created_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX sign_in_states_age ON sign_in_states (created_at);
COMMENT ON TABLE sign_in_states IS 'Sign-ins under way: one-time, ten minutes; the PKCE verifier is sealed.';

CREATE TABLE sessions (
    id                uuid PRIMARY KEY,
    account_id        uuid NOT NULL REFERENCES accounts (id),
    kind              text NOT NULL CHECK (kind IN ('browser', 'program')),
    token_hash        bytea CONSTRAINT sessions_token_hash UNIQUE,
    user_agent        text NOT NULL,
    ip                text NOT NULL,
    created_at        timestamptz NOT NULL,
    authenticated_at  timestamptz NOT NULL,
    last_seen_at      timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    revoked_at        timestamptz,
    revoked_reason    text CHECK (revoked_reason IN ('logout', 'revoked', 'refresh_token_reuse', 'suspended')),
    CHECK ((kind = 'browser') = (token_hash IS NOT NULL)),
    CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
);
CREATE INDEX sessions_of_account ON sessions (account_id, id DESC);
CREATE INDEX sessions_expiry ON sessions (expires_at);
COMMENT ON TABLE sessions IS 'Sign-ins. A browser''s is known by its cookie''s hash, a program''s by its refresh tokens.';

CREATE TABLE refresh_tokens (
    id            uuid PRIMARY KEY,
    session_id    uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    token_hash    bytea NOT NULL CONSTRAINT refresh_tokens_token_hash UNIQUE,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    successor_id  uuid REFERENCES refresh_tokens (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_successor ON refresh_tokens (successor_id) WHERE successor_id IS NOT NULL;

CREATE TABLE api_tokens (
    id                     uuid PRIMARY KEY,
    account_id             uuid NOT NULL REFERENCES accounts (id),
    name                   text NOT NULL,
    last_four              text NOT NULL CHECK (length(last_four) = 4),
    token_hash             bytea NOT NULL CONSTRAINT api_tokens_token_hash UNIQUE,
    scopes                 text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'bid', 'hire', 'spend'] AND cardinality(scopes) > 0),
    spend_limit_usd_minor  bigint CHECK (spend_limit_usd_minor > 0),
    created_at             timestamptz NOT NULL,
    expires_at             timestamptz NOT NULL,
    last_used_at           timestamptz,
    revoked_at             timestamptz,
    CHECK (('spend' = ANY (scopes)) = (spend_limit_usd_minor IS NOT NULL))
);
CREATE INDEX api_tokens_of_account ON api_tokens (account_id, id DESC);
CREATE INDEX api_tokens_expiry ON api_tokens (expires_at);

CREATE TABLE signing_keys (
    kid         text PRIMARY KEY,
    public      bytea NOT NULL CHECK (length(public) = 32),
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    retired_at  timestamptz
);
COMMENT ON TABLE signing_keys IS 'Keys of access tokens (Ed25519). The newest signs; the others are believed until retired_at.';

CREATE TABLE suspensions (
    id               uuid PRIMARY KEY,
    account_id       uuid NOT NULL REFERENCES accounts (id),
    reason_code      text NOT NULL CHECK (reason_code IN ('fraud', 'abuse', 'off_platform', 'security', 'other')),
    reason           text NOT NULL,
    suspended_by_id  uuid NOT NULL REFERENCES accounts (id),
    suspended_at     timestamptz NOT NULL,
    ended_by_id      uuid REFERENCES accounts (id),
    ended_at         timestamptz,
    end_reason       text,
    CHECK ((ended_at IS NULL) = (ended_by_id IS NULL)),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX suspensions_one_at_a_time ON suspensions (account_id) WHERE ended_at IS NULL;
CREATE INDEX suspensions_of_account ON suspensions (account_id, id DESC);
CREATE INDEX suspensions_suspended_by ON suspensions (suspended_by_id);
CREATE INDEX suspensions_ended_by ON suspensions (ended_by_id) WHERE ended_by_id IS NOT NULL;

CREATE TABLE suspension_appeals (
    id             uuid PRIMARY KEY,
    suspension_id  uuid NOT NULL CONSTRAINT suspension_appeals_once UNIQUE REFERENCES suspensions (id),
    account_id     uuid NOT NULL REFERENCES accounts (id),
    text           text NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'upheld', 'overturned', 'moot')),
    decided_by_id  uuid REFERENCES accounts (id),
    decided_at     timestamptz,
    answer         text,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK (state NOT IN ('upheld', 'overturned') OR (decided_by_id IS NOT NULL AND answer IS NOT NULL))
);
CREATE INDEX suspension_appeals_of_account ON suspension_appeals (account_id);
CREATE INDEX suspension_appeals_decided_by ON suspension_appeals (decided_by_id) WHERE decided_by_id IS NOT NULL;
CREATE INDEX suspension_appeals_open ON suspension_appeals (id) WHERE state = 'open';

CREATE TABLE organisations (
    id              uuid PRIMARY KEY,
    name            text NOT NULL,
    country         text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    website         text,
    created_by_id   uuid NOT NULL REFERENCES accounts (id),
    verified_at     timestamptz,
    verified_by_id  uuid REFERENCES accounts (id),
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK ((verified_at IS NULL) = (verified_by_id IS NULL))
);
CREATE INDEX organisations_name ON organisations (lower(name));
CREATE INDEX organisations_created_by ON organisations (created_by_id);
CREATE INDEX organisations_verified_by ON organisations (verified_by_id) WHERE verified_by_id IS NOT NULL;
CREATE INDEX organisations_unverified ON organisations (id) WHERE verified_at IS NULL;

CREATE TABLE organisation_members (
    organisation_id           uuid NOT NULL REFERENCES organisations (id),
    account_id                uuid NOT NULL REFERENCES accounts (id),
    role                      text NOT NULL CHECK (role IN ('owner', 'hirer', 'viewer')),
    spending_limit_usd_minor  bigint CHECK (spending_limit_usd_minor > 0),
    version                   bigint NOT NULL DEFAULT 1,
    created_at                timestamptz NOT NULL,
    PRIMARY KEY (organisation_id, account_id)
);
CREATE INDEX organisation_members_account ON organisation_members (account_id, organisation_id);
COMMENT ON COLUMN organisation_members.spending_limit_usd_minor IS 'Most that the member may commit in one act; none = no limit.';

CREATE TABLE organisation_invitations (
    id                        uuid PRIMARY KEY,
    organisation_id           uuid NOT NULL REFERENCES organisations (id),
    email                     text NOT NULL,
    role                      text NOT NULL CHECK (role IN ('owner', 'hirer', 'viewer')),
    spending_limit_usd_minor  bigint CHECK (spending_limit_usd_minor > 0),
    token_hash                bytea NOT NULL CONSTRAINT organisation_invitations_token_hash UNIQUE,
    state                     text NOT NULL CHECK (state IN ('sent', 'accepted', 'revoked', 'expired')),
    invited_by_id             uuid NOT NULL REFERENCES accounts (id),
    accepted_by_id            uuid REFERENCES accounts (id),
    expires_at                timestamptz NOT NULL,
    version                   bigint NOT NULL DEFAULT 1,
    created_at                timestamptz NOT NULL,
    updated_at                timestamptz NOT NULL,
    CHECK ((state = 'accepted') = (accepted_by_id IS NOT NULL))
);
CREATE UNIQUE INDEX organisation_invitations_one_open ON organisation_invitations (organisation_id, lower(email))
    WHERE state = 'sent';
CREATE INDEX organisation_invitations_of ON organisation_invitations (organisation_id, id DESC);
CREATE INDEX organisation_invitations_invited_by ON organisation_invitations (invited_by_id);
CREATE INDEX organisation_invitations_accepted_by ON organisation_invitations (accepted_by_id)
    WHERE accepted_by_id IS NOT NULL;
