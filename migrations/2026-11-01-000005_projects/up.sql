-- Projects: drafts, curation, the public listing, bids, offers, invitations.

CREATE TABLE currency_rates (
    currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    rate_date        date NOT NULL,
    usd_per_unit_e9  bigint NOT NULL CHECK (usd_per_unit_e9 > 0),
    PRIMARY KEY (currency, rate_date)
);
COMMENT ON TABLE currency_rates IS 'Dated rates: US dollars per major unit × 10^9. Policy data.';

CREATE TABLE projects (
    id                  uuid PRIMARY KEY,
    organisation_id     uuid NOT NULL REFERENCES organisations (id),
    posted_by_id        uuid NOT NULL REFERENCES accounts (id),
    state               text NOT NULL CHECK (state IN ('draft', 'submitted', 'in_curation', 'changes_requested',
                            'listed', 'shortlisting', 'awarded', 'rejected', 'paused', 'expired', 'withdrawn', 'removed')),
    title               text NOT NULL,
    description         text NOT NULL,
    outcome             text,
    decision_maker      text,
    budget_amount       bigint CHECK (budget_amount > 0),
    budget_currency     text NOT NULL,
    budget_usd_minor    bigint,
    rate_date           date,
    effort_hours        integer CHECK (effort_hours > 0),
    starts_on           date,
    duration_days       integer CHECK (duration_days > 0),
    time_zone           text,
    overlap_hours       integer NOT NULL DEFAULT 0 CHECK (overlap_hours BETWEEN 0 AND 9),
    confidentiality     text NOT NULL CHECK (confidentiality IN ('public', 'vetted_only', 'nda')),
    skills              jsonb NOT NULL,
    milestones          jsonb NOT NULL,
    version             bigint NOT NULL DEFAULT 1,
    curator_id          uuid REFERENCES accounts (id),
    submitted_at        timestamptz,
    curation_due_at     timestamptz,
    listed_at           timestamptz,
    expires_at          timestamptz,
    last_client_act_at  timestamptz NOT NULL,
    import_key          text,
    policy_version      text NOT NULL REFERENCES policies (version),
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    CONSTRAINT projects_import_once UNIQUE (organisation_id, import_key),
    CHECK (state NOT IN ('listed', 'shortlisting') OR (listed_at IS NOT NULL AND budget_usd_minor IS NOT NULL))
);
CREATE INDEX projects_of_organisation ON projects (organisation_id, id DESC);
CREATE INDEX projects_posted_by ON projects (posted_by_id);
CREATE INDEX projects_curator ON projects (curator_id) WHERE curator_id IS NOT NULL;
CREATE INDEX projects_policy ON projects (policy_version);
CREATE INDEX projects_curation ON projects (curation_due_at, id) WHERE state IN ('submitted', 'in_curation');

-- The public listing: what a list shows, kept in the transaction of each change (docs/decisions/0006-listing-tables.md).
CREATE TABLE listings (
    project_id         uuid PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    listed_at          timestamptz NOT NULL,
    title              text NOT NULL,
    excerpt            text NOT NULL,
    organisation_name  text NOT NULL,
    budget_amount      bigint NOT NULL,
    budget_currency    text NOT NULL,
    budget_usd_minor   bigint NOT NULL,
    effort_hours       integer NOT NULL,
    starts_on          date NOT NULL,
    time_zone          text,
    utc_offset_min     integer NOT NULL,
    overlap_min        integer NOT NULL,
    skills             text[] NOT NULL,
    expires_at         timestamptz NOT NULL
);
CREATE INDEX listings_newest ON listings (listed_at DESC, project_id DESC)
    INCLUDE (budget_usd_minor, effort_hours, starts_on);

-- One row per skill of each open project, with the sort key and the filters in the index.
CREATE TABLE listing_skills (
    skill             text NOT NULL REFERENCES skills (slug),
    listed_at         timestamptz NOT NULL,
    project_id        uuid NOT NULL REFERENCES listings (project_id) ON DELETE CASCADE,
    budget_usd_minor  bigint NOT NULL,
    effort_hours      integer NOT NULL,
    starts_on         date NOT NULL,
    utc_offset_min    integer NOT NULL,
    overlap_min       integer NOT NULL
);
CREATE UNIQUE INDEX listing_skills_newest ON listing_skills (skill, listed_at DESC, project_id DESC)
    INCLUDE (budget_usd_minor, effort_hours, starts_on, utc_offset_min, overlap_min);
CREATE INDEX listing_skills_project ON listing_skills (project_id);

-- A narrow table for text search.
CREATE TABLE listing_texts (
    project_id  uuid PRIMARY KEY REFERENCES listings (project_id) ON DELETE CASCADE,
    listed_at   timestamptz NOT NULL,
    words       tsvector NOT NULL
);
CREATE INDEX listing_texts_words ON listing_texts USING gin (words);
CREATE INDEX listing_texts_newest ON listing_texts (listed_at DESC, project_id DESC);
ALTER TABLE listing_texts ALTER COLUMN words SET STATISTICS 1000;

-- The newest matches only: ranking everything that a common word hits would cost seconds. EXECUTE plans with the
-- words visible: for common words the planner walks by date, for rare ones it takes the GIN index.
CREATE FUNCTION newest_matches(query tsquery, as_of timestamptz, most integer)
RETURNS TABLE (project_id uuid, listed_at timestamptz, rank real) LANGUAGE plpgsql STABLE ROWS 300 AS $$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT t.project_id, t.listed_at, ts_rank_cd(t.words, $1, 32)
         FROM (SELECT project_id, listed_at, words FROM listing_texts
               WHERE words @@ $1 AND listed_at <= $2
               ORDER BY listed_at DESC, project_id DESC LIMIT $3) t'
    USING query, as_of, most;
END $$;

CREATE TABLE curation_decisions (
    id           uuid PRIMARY KEY,
    project_id   uuid NOT NULL REFERENCES projects (id),
    kind         text NOT NULL CHECK (kind IN ('listed', 'changes_requested', 'rejected', 'removed')),
    reason_code  text,
    reason       text,
    notes        jsonb NOT NULL,
    decided_by_id uuid NOT NULL REFERENCES accounts (id),
    decided_at   timestamptz NOT NULL
);
CREATE INDEX curation_decisions_project ON curation_decisions (project_id, decided_at DESC);
CREATE INDEX curation_decisions_decider ON curation_decisions (decided_by_id);

CREATE TABLE curation_appeals (
    id             uuid PRIMARY KEY,
    decision_id    uuid NOT NULL REFERENCES curation_decisions (id),
    project_id     uuid NOT NULL REFERENCES projects (id),
    appellant_id   uuid NOT NULL REFERENCES accounts (id),
    text           text NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'upheld', 'overturned')),
    due_at         timestamptz NOT NULL,
    decided_by_id  uuid REFERENCES accounts (id),
    decided_at     timestamptz,
    answer         text,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    CONSTRAINT curation_appeals_once UNIQUE (decision_id)
);
CREATE INDEX curation_appeals_project ON curation_appeals (project_id);
CREATE INDEX curation_appeals_appellant ON curation_appeals (appellant_id);
CREATE INDEX curation_appeals_decider ON curation_appeals (decided_by_id) WHERE decided_by_id IS NOT NULL;
CREATE INDEX curation_appeals_open ON curation_appeals (due_at, id) WHERE state = 'open';

CREATE TABLE invitations (
    id              uuid PRIMARY KEY,
    project_id      uuid NOT NULL REFERENCES projects (id),
    developer_id    uuid NOT NULL REFERENCES accounts (id),
    invited_by_id   uuid NOT NULL REFERENCES accounts (id),
    state           text NOT NULL CHECK (state IN ('sent', 'viewed', 'accepted', 'declined', 'expired')),
    message         text NOT NULL,
    decline_reason  text,
    expires_at      timestamptz NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX invitations_one_live ON invitations (project_id, developer_id)
    WHERE state IN ('sent', 'viewed', 'accepted');
CREATE INDEX invitations_project ON invitations (project_id, id DESC);
CREATE INDEX invitations_developer ON invitations (developer_id, id DESC);
CREATE INDEX invitations_inviter ON invitations (invited_by_id);

CREATE TABLE bids (
    id                  uuid PRIMARY KEY,
    project_id          uuid NOT NULL REFERENCES projects (id),
    developer_id        uuid NOT NULL REFERENCES accounts (id),
    invitation_id       uuid REFERENCES invitations (id),
    state               text NOT NULL CHECK (state IN ('draft', 'waitlisted', 'submitted', 'shortlisted', 'offered',
                            'countered', 'accepted', 'declined', 'withdrawn', 'expired', 'closed')),
    revision            integer NOT NULL CHECK (revision >= 1),
    total_amount        bigint NOT NULL CHECK (total_amount > 0),
    currency            text NOT NULL,
    starts_on           date NOT NULL,
    document            jsonb NOT NULL,
    client_fee_bps      integer NOT NULL CHECK (client_fee_bps BETWEEN 0 AND 10000),
    developer_fee_bps   integer NOT NULL CHECK (developer_fee_bps BETWEEN 0 AND 10000),
    reason              text,
    version             bigint NOT NULL DEFAULT 1,
    submitted_at        timestamptz,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL
);
CREATE UNIQUE INDEX bids_one_live ON bids (project_id, developer_id)
    WHERE state IN ('draft', 'waitlisted', 'submitted', 'shortlisted', 'offered', 'countered', 'accepted');
CREATE UNIQUE INDEX bids_one_accepted ON bids (project_id) WHERE state = 'accepted';
CREATE UNIQUE INDEX bids_one_offer ON bids (project_id) WHERE state IN ('offered', 'countered');
CREATE INDEX bids_project ON bids (project_id, id DESC);
CREATE INDEX bids_developer ON bids (developer_id, id DESC);
CREATE INDEX bids_invitation ON bids (invitation_id) WHERE invitation_id IS NOT NULL;

CREATE TABLE bid_revisions (
    bid_id        uuid NOT NULL REFERENCES bids (id) ON DELETE CASCADE,
    revision      integer NOT NULL,
    total_amount  bigint NOT NULL,
    starts_on     date NOT NULL,
    document      jsonb NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (bid_id, revision)
);

-- Counters that guard the caps: a bid takes a place of its project and one of its developer, or is refused.
CREATE TABLE project_bid_slots (
    project_id  uuid PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    open_bids   integer NOT NULL DEFAULT 0 CHECK (open_bids >= 0)
);
CREATE TABLE developer_bid_slots (
    developer_id  uuid PRIMARY KEY REFERENCES accounts (id),
    open_bids     integer NOT NULL CHECK (open_bids >= 0)
);

CREATE TABLE offers (
    id            uuid PRIMARY KEY,
    bid_id        uuid NOT NULL REFERENCES bids (id) ON DELETE CASCADE,
    sequence      integer NOT NULL CHECK (sequence >= 1),
    made_by       text NOT NULL CHECK (made_by IN ('client', 'developer')),
    made_by_id    uuid NOT NULL REFERENCES accounts (id),
    state         text NOT NULL CHECK (state IN ('open', 'countered', 'accepted', 'rescinded', 'declined', 'expired', 'closed')),
    prices        jsonb NOT NULL,
    total_amount  bigint NOT NULL CHECK (total_amount > 0),
    starts_on     date NOT NULL,
    message       text NOT NULL,
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    CONSTRAINT offers_in_order UNIQUE (bid_id, sequence)
);
CREATE UNIQUE INDEX offers_one_open ON offers (bid_id) WHERE state = 'open';
CREATE INDEX offers_maker ON offers (made_by_id);
