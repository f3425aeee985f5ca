-- Portfolio: evidence of developers' work, imported from GitHub or told by themselves.

CREATE TABLE portfolios (
    account_id         uuid PRIMARY KEY REFERENCES accounts (id),
    profile            jsonb,
    signals            jsonb,
    flags              jsonb NOT NULL DEFAULT '[]',
    formula_version    text,
    imported_at        timestamptz,
    searched_at        timestamptz,
    fully_searched_at  timestamptz,
    version            bigint NOT NULL DEFAULT 1,
    updated_at         timestamptz NOT NULL,
    CHECK ((signals IS NULL) = (formula_version IS NULL))
);
COMMENT ON TABLE portfolios IS 'One row a person: the GitHub profile, and what was computed from the evidence, by which version of the formula.';
COMMENT ON COLUMN portfolios.flags IS 'Signs of gaming, for reviewers only. They decide nothing.';
COMMENT ON COLUMN portfolios.searched_at IS 'Until when merged pull requests and reviews are known; later imports ask for newer ones only.';
COMMENT ON COLUMN portfolios.version IS 'Version of the skills as shown.';

CREATE TABLE portfolio_imports (
    id              uuid PRIMARY KEY,
    account_id      uuid NOT NULL REFERENCES accounts (id),
    state           text NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed')),
    step            text NOT NULL,
    progress        jsonb NOT NULL,
    failures        integer NOT NULL DEFAULT 0,
    failure_code    text,
    failure_detail  text,
    resumes_at      timestamptz,
    policy_version  text NOT NULL REFERENCES policies (version),
    requested_at    timestamptz NOT NULL,
    started_at      timestamptz,
    progressed_at   timestamptz NOT NULL,
    finished_at     timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    CHECK ((state = 'failed') = (failure_code IS NOT NULL)),
    CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
    CHECK ((state IN ('completed', 'failed')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX portfolio_imports_one_live ON portfolio_imports (account_id) WHERE state IN ('queued', 'running');
CREATE INDEX portfolio_imports_of_account ON portfolio_imports (account_id, id DESC);
CREATE INDEX portfolio_imports_policy ON portfolio_imports (policy_version);
COMMENT ON COLUMN portfolio_imports.progress IS 'Counts, warnings and the place inside the step: where a worker goes on after any stop.';
COMMENT ON COLUMN portfolio_imports.version IS 'Raised by each committed piece of progress; of two workers only one commits it.';

CREATE TABLE portfolio_items (
    id               uuid PRIMARY KEY,
    account_id       uuid NOT NULL REFERENCES accounts (id),
    kind             text NOT NULL CHECK (kind IN ('repository', 'pull_request_contribution', 'review_activity', 'website', 'manual')),
    level            text NOT NULL CHECK (level IN ('claimed', 'platform_verified', 'third_party_signed', 'outcome_proven')),
    origin           text NOT NULL CHECK (origin IN ('github', 'person')),
    source_key       text,
    url              text,
    title            text NOT NULL,
    description      text,
    role             text,
    note             text,
    skills           text[] NOT NULL DEFAULT '{}',
    started_on       date,
    ended_on         date,
    marks            text[] NOT NULL DEFAULT '{}' CHECK (marks <@ ARRAY['fork', 'archived', 'template', 'mirror', 'disabled']),
    computed         jsonb NOT NULL DEFAULT '{}',
    is_public        boolean NOT NULL DEFAULT false,
    observed_at      timestamptz NOT NULL,
    seen_by          uuid,
    withdrawn_at     timestamptz,
    withdrawn_why    text,
    verified_at      timestamptz,
    verified_what    text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    version          bigint NOT NULL DEFAULT 1,
    CONSTRAINT portfolio_items_source UNIQUE (account_id, source_key),
    CHECK ((origin = 'github') = (source_key IS NOT NULL)),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL)),
    CHECK (level = 'claimed' OR verified_at IS NOT NULL),
    CHECK (ended_on >= started_on)
);
CREATE INDEX portfolio_items_of_account ON portfolio_items (account_id, id DESC);
CREATE INDEX portfolio_items_public ON portfolio_items (account_id, id DESC) WHERE is_public AND withdrawn_at IS NULL;
COMMENT ON COLUMN portfolio_items.source_key IS 'The object at the provider, by its lasting number: an import finds its own items again.';
COMMENT ON COLUMN portfolio_items.seen_by IS 'The import that last met the object; what a whole list no longer holds is asked for and, when gone, withdrawn.';
COMMENT ON COLUMN portfolio_items.computed IS 'The numbers observed, from which signals are computed.';

CREATE TABLE portfolio_contributions (
    account_id       uuid NOT NULL REFERENCES accounts (id),
    kind             text NOT NULL CHECK (kind IN ('merged_pull_request', 'review')),
    provider_number  bigint NOT NULL,
    repository       text NOT NULL,
    url              text NOT NULL,
    title            text NOT NULL,
    at               timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, provider_number)
);
CREATE INDEX portfolio_contributions_repository ON portfolio_contributions (account_id, kind, repository);
COMMENT ON TABLE portfolio_contributions IS 'Pull requests merged, and those reviewed, in repositories of others: each once, under GitHub''s number.';

CREATE TABLE portfolio_etags (
    account_id  uuid NOT NULL REFERENCES accounts (id),
    resource    text NOT NULL,
    etag        text NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (account_id, resource)
);
COMMENT ON TABLE portfolio_etags IS 'Validators of what was read: an unchanged answer costs nothing of GitHub''s limit.';

CREATE TABLE portfolio_challenges (
    item_id       uuid PRIMARY KEY REFERENCES portfolio_items (id) ON DELETE CASCADE,
    token         text NOT NULL,
    place         text NOT NULL CHECK (place IN ('site', 'repository')),
    url           text NOT NULL,
    state         text NOT NULL CHECK (state IN ('open', 'checking', 'met', 'failed')),
    failure       text,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    asked_at      timestamptz,
    checked_at    timestamptz,
    CHECK ((state = 'failed') = (failure IS NOT NULL))
);

CREATE TABLE portfolio_skills (
    account_id     uuid NOT NULL REFERENCES accounts (id),
    skill          text NOT NULL REFERENCES skills (slug),
    derived        boolean NOT NULL,
    claimed        boolean NOT NULL,
    removed        boolean NOT NULL,
    share_bps      integer CHECK (share_bps BETWEEN 0 AND 10000),
    repositories   integer NOT NULL DEFAULT 0,
    pull_requests  integer NOT NULL DEFAULT 0,
    evidence       uuid[] NOT NULL DEFAULT '{}',
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (account_id, skill),
    CHECK (derived OR claimed OR removed),
    CHECK (NOT (claimed AND removed))
);
CREATE INDEX portfolio_skills_skill ON portfolio_skills (skill) WHERE NOT removed;
COMMENT ON COLUMN portfolio_skills.removed IS 'The person has taken it out; an import does not bring it back.';
