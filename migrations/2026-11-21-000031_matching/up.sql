-- Matching: what developers say of their own capacity, rankings, exposure, parameters, exclusions.

-- The level of a skill, 1 to 5, from what its evidence shows: said so 2, shown 3, much of the code or taken by others 4,
-- both 5. In SQL, because a rebuild asks for millions.
CREATE FUNCTION match_level(derived boolean, share_bps integer, repositories integer, pull_requests integer)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT derived THEN 2
                ELSE 3 + (coalesce(share_bps, 0) >= 1000 OR repositories >= 5)::int + (pull_requests >= 5)::int END
$$;

CREATE TABLE match_preferences (
    account_id      uuid PRIMARY KEY REFERENCES accounts (id),
    weekly_hours    integer CHECK (weekly_hours BETWEEN 1 AND 60),
    rate_amount     bigint CHECK (rate_amount > 0),
    rate_currency   text,
    available_from  date,
    paused          boolean NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    CHECK ((rate_amount IS NULL) = (rate_currency IS NULL))
);
COMMENT ON COLUMN match_preferences.rate_amount IS 'The floor an hour, in minor units: nobody who pays less is shown this developer, and nobody is told it.';

CREATE TABLE match_parameters (
    version       integer PRIMARY KEY CHECK (version > 0),
    acceptance    double precision[] NOT NULL,
    success       double precision[] NOT NULL,
    record_variance double precision NOT NULL,
    answers       integer NOT NULL,
    outcomes      integer NOT NULL,
    loss          double precision NOT NULL,
    loss_before   double precision NOT NULL,
    promoted      boolean NOT NULL,
    learned_at    timestamptz NOT NULL
);
COMMENT ON TABLE match_parameters IS 'What was learned from outcomes. In force is the newest promoted version; without one, the priors (version 0).';

CREATE TABLE rankings (
    id                  uuid PRIMARY KEY,
    project_id          uuid NOT NULL REFERENCES projects (id),
    requested_by_id     uuid NOT NULL REFERENCES accounts (id),
    model               text NOT NULL,
    parameters_version  integer NOT NULL,
    calibration         text NOT NULL,
    snapshot_version    bigint NOT NULL,
    policy_version      text NOT NULL,
    seed                bigint NOT NULL,
    asked               jsonb NOT NULL,
    feasible            integer NOT NULL,
    median              jsonb NOT NULL,
    places              jsonb NOT NULL,
    near_misses         jsonb NOT NULL,
    created_at          timestamptz NOT NULL
);
-- Some ten kilobytes each, written often and read seldom: compressing them costs more than their room.
ALTER TABLE rankings ALTER COLUMN places SET STORAGE EXTERNAL;
CREATE INDEX rankings_project ON rankings (project_id, id DESC);
CREATE INDEX rankings_requested_by ON rankings (requested_by_id);

-- Exposure given: once a day for a project and a developer, however often the client asks. Fifty rows a ranking, so
-- without foreign keys: what they name is never deleted.
CREATE TABLE impressions (
    developer   uuid NOT NULL,
    project     uuid NOT NULL,
    day         integer NOT NULL,
    ranking     uuid NOT NULL,
    place       integer NOT NULL CHECK (place > 0),
    given       double precision NOT NULL,
    taken       double precision NOT NULL,
    from_day    integer NOT NULL,
    to_day      integer NOT NULL,
    PRIMARY KEY (developer, day, project)
);
CREATE INDEX impressions_ranking ON impressions (ranking);
COMMENT ON COLUMN impressions.day IS 'Days since 2026-01-01, as all days of the columns are.';

CREATE TABLE match_invitations (
    invitation_id  uuid PRIMARY KEY REFERENCES invitations (id),
    ranking_id     uuid NOT NULL REFERENCES rankings (id),
    place          integer NOT NULL CHECK (place > 0)
);
CREATE INDEX match_invitations_ranking ON match_invitations (ranking_id);

CREATE TABLE match_exclusions (
    id              uuid PRIMARY KEY,
    developer_id    uuid NOT NULL REFERENCES accounts (id),
    project_id      uuid REFERENCES projects (id),
    reason          text NOT NULL,
    excluded_by_id  uuid NOT NULL REFERENCES accounts (id),
    created_at      timestamptz NOT NULL,
    until           timestamptz,
    lifted_at       timestamptz,
    lifted_by_id    uuid REFERENCES accounts (id),
    lift_reason     text,
    version         bigint NOT NULL DEFAULT 1,
    CHECK ((lifted_at IS NULL) = (lifted_by_id IS NULL)),
    CHECK ((lifted_at IS NULL) = (lift_reason IS NULL))
);
CREATE INDEX match_exclusions_developer ON match_exclusions (developer_id) WHERE lifted_at IS NULL;
CREATE INDEX match_exclusions_of_developer ON match_exclusions (developer_id, id DESC);
CREATE INDEX match_exclusions_project ON match_exclusions (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX match_exclusions_by ON match_exclusions (excluded_by_id);
CREATE INDEX match_exclusions_lifted_by ON match_exclusions (lifted_by_id) WHERE lifted_by_id IS NOT NULL;

CREATE TABLE market_metrics (
    as_of    timestamptz PRIMARY KEY,
    metrics  jsonb NOT NULL
);
