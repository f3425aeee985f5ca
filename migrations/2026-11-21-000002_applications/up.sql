-- Vetting: applications of developers, decisions about them, appeals. An approval is an application's outcome.

CREATE TABLE applications (
    id                 uuid PRIMARY KEY,
    account_id         uuid NOT NULL REFERENCES accounts (id),
    state              text NOT NULL CHECK (state IN ('draft', 'submitted', 'screening', 'changes_requested',
                           'assessment_ready', 'assessed', 'approved', 'not_ready', 'rejected_integrity', 'withdrawn',
                           'expired')),
    tracks             text[] NOT NULL,
    statement          text,
    hours_per_week     integer CHECK (hours_per_week BETWEEN 1 AND 80),
    rate_amount        bigint CHECK (rate_amount > 0),
    rate_currency      text,
    languages          jsonb NOT NULL,
    fast_lane          jsonb,
    fast_lane_at       timestamptz,
    reviewer_id        uuid REFERENCES accounts (id),
    claimed_until      timestamptz,
    submitted_at       timestamptz,
    screening_due_at   timestamptz,
    expires_at         timestamptz,
    policy_version     text NOT NULL REFERENCES policies (version),
    version            bigint NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CHECK ((rate_amount IS NULL) = (rate_currency IS NULL)),
    CHECK ((state = 'screening') = (reviewer_id IS NOT NULL)),
    CHECK ((reviewer_id IS NULL) = (claimed_until IS NULL)),
    CHECK ((state IN ('draft', 'changes_requested')) = (expires_at IS NOT NULL)),
    CHECK (state NOT IN ('submitted', 'screening') OR screening_due_at IS NOT NULL),
    CONSTRAINT applications_no_own_screening CHECK (reviewer_id <> account_id)
);
CREATE UNIQUE INDEX applications_one_live ON applications (account_id)
    WHERE state IN ('draft', 'submitted', 'screening', 'changes_requested', 'assessment_ready', 'assessed');
CREATE INDEX applications_of_account ON applications (account_id, id DESC);
CREATE INDEX applications_queue ON applications (screening_due_at, id) WHERE state IN ('submitted', 'screening');
CREATE INDEX applications_reviewer ON applications (reviewer_id) WHERE reviewer_id IS NOT NULL;
CREATE INDEX applications_policy ON applications (policy_version);
COMMENT ON COLUMN applications.tracks IS 'Slugs of skill families.';
COMMENT ON COLUMN applications.expires_at IS 'Until when it may wait for the developer.';

-- Approvals from before applications: each becomes the outcome of an application of the same number.
INSERT INTO applications (id, account_id, state, tracks, languages, policy_version, created_at, updated_at)
SELECT id, account_id, 'approved', '{}', '[]', policy_version, granted_at, granted_at FROM approvals;

ALTER TABLE approvals ADD COLUMN application_id uuid REFERENCES applications (id);
UPDATE approvals SET application_id = id;
ALTER TABLE approvals ALTER COLUMN application_id SET NOT NULL;
CREATE UNIQUE INDEX approvals_of_application ON approvals (application_id);
COMMENT ON TABLE approvals IS 'Who may bid: the outcome of an application. Approved = active and before expires_at.';

CREATE TABLE decisions (
    id               uuid PRIMARY KEY,
    account_id       uuid NOT NULL REFERENCES accounts (id),
    application_id   uuid NOT NULL REFERENCES applications (id),
    approval_id      uuid REFERENCES approvals (id),
    kind             text NOT NULL CHECK (kind IN ('changes_requested', 'passed', 'fast_lane_confirmed', 'approved',
                         'not_ready', 'rejected_integrity', 'approval_revoked')),
    reason_code      text,
    reason           text,
    notes            jsonb NOT NULL,
    evidence         jsonb NOT NULL,
    decided_by_id    uuid NOT NULL REFERENCES accounts (id),
    decided_at       timestamptz NOT NULL,
    appeal_until     timestamptz,
    overturned_at    timestamptz,
    CONSTRAINT decisions_by_decider UNIQUE (id, decided_by_id),
    CONSTRAINT decisions_not_about_oneself CHECK (decided_by_id <> account_id),
    CHECK ((kind IN ('not_ready', 'rejected_integrity', 'approval_revoked')) = (appeal_until IS NOT NULL)),
    CHECK (appeal_until IS NULL OR (reason_code IS NOT NULL AND reason IS NOT NULL)),
    CHECK (overturned_at IS NULL OR appeal_until IS NOT NULL),
    CHECK ((approval_id IS NOT NULL) = (kind IN ('approved', 'approval_revoked')))
);
CREATE INDEX decisions_of_application ON decisions (application_id, id DESC);
CREATE INDEX decisions_standing ON decisions (account_id, decided_at) WHERE appeal_until IS NOT NULL AND overturned_at IS NULL;
CREATE INDEX decisions_of_account ON decisions (account_id, id DESC);
CREATE INDEX decisions_of_approval ON decisions (approval_id) WHERE approval_id IS NOT NULL;
CREATE INDEX decisions_decider ON decisions (decided_by_id);

-- The random parts are the database's: no clock of the service runs in a migration.
INSERT INTO decisions (id, account_id, application_id, approval_id, kind, reason_code, reason, notes, evidence,
                       decided_by_id, decided_at, appeal_until)
SELECT gen_random_uuid(), account_id, id, id, 'approved', 'migrated', NULL, '[]'::jsonb, '[]'::jsonb, granted_by_id, granted_at,
       NULL::timestamptz
FROM approvals
UNION ALL
SELECT gen_random_uuid(), account_id, id, id, 'approval_revoked', 'other', revoke_reason, '[]', '[]', revoked_by_id,
       revoked_at, revoked_at + interval '14 days'
FROM approvals WHERE state = 'revoked';

CREATE TABLE appeals (
    id             uuid PRIMARY KEY,
    decision_id    uuid NOT NULL REFERENCES decisions (id),
    against_id     uuid NOT NULL REFERENCES accounts (id),
    account_id     uuid NOT NULL REFERENCES accounts (id),
    text           text NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'in_review', 'upheld', 'overturned')),
    due_at         timestamptz NOT NULL,
    decided_by_id  uuid REFERENCES accounts (id),
    decided_at     timestamptz,
    answer         text,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    CONSTRAINT appeals_once UNIQUE (decision_id),
    CONSTRAINT appeals_names_the_decider FOREIGN KEY (decision_id, against_id) REFERENCES decisions (id, decided_by_id),
    CONSTRAINT appeals_another_decides CHECK (decided_by_id <> against_id AND decided_by_id <> account_id),
    CHECK ((state = 'open') = (decided_by_id IS NULL)),
    CHECK ((state IN ('upheld', 'overturned')) = (decided_at IS NOT NULL)),
    CHECK ((decided_at IS NULL) = (answer IS NULL))
);
CREATE INDEX appeals_against ON appeals (against_id);
CREATE INDEX appeals_of_account ON appeals (account_id, id DESC);
CREATE INDEX appeals_decider ON appeals (decided_by_id) WHERE decided_by_id IS NOT NULL;
CREATE INDEX appeals_waiting ON appeals (due_at, id) WHERE state IN ('open', 'in_review');
COMMENT ON COLUMN appeals.against_id IS 'Who made the decision: by the foreign key it is they, by the check they do not answer.';
COMMENT ON COLUMN appeals.decided_by_id IS 'Who has claimed it, then who answered it.';
