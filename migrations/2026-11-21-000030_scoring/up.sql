-- Scores: calibrations, what each developer is measured at, every move of it, outcomes of deliveries, and, apart from
-- all of that, what people tell of themselves for the report on adverse impact.

CREATE TABLE calibrations (
    id               uuid NOT NULL,
    scale            text NOT NULL CHECK (scale IN ('technical', 'collaboration', 'delivery')),
    version          integer NOT NULL CHECK (version >= 1),
    rubric_version   text NOT NULL,
    formula_version  text NOT NULL,
    parameters       jsonb NOT NULL,
    developers       integer NOT NULL CHECK (developers >= 0),
    ratings          bigint NOT NULL CHECK (ratings >= 0),
    report           jsonb NOT NULL,
    held_because     text[] NOT NULL,
    made_at          timestamptz NOT NULL,
    PRIMARY KEY (scale, version),
    CONSTRAINT calibrations_one UNIQUE (id)
);
COMMENT ON TABLE calibrations IS 'Frozen parameters of the rating model. A row never changes; a later version takes its place by a promotion.';
COMMENT ON COLUMN calibrations.rubric_version IS 'The newest rubric of the ratings in it.';
COMMENT ON COLUMN calibrations.held_because IS 'Why it was not promoted by itself; empty when it was.';

CREATE TABLE calibration_promotions (
    id              uuid PRIMARY KEY,
    scale           text NOT NULL,
    version         integer NOT NULL,
    promoted_by_id  uuid REFERENCES accounts (id),
    reason          text NOT NULL,
    promoted_at     timestamptz NOT NULL,
    CONSTRAINT calibration_promotions_once UNIQUE (scale, version),
    CONSTRAINT calibration_promotions_of FOREIGN KEY (scale, version) REFERENCES calibrations (scale, version)
);
CREATE INDEX calibration_promotions_by ON calibration_promotions (promoted_by_id) WHERE promoted_by_id IS NOT NULL;
COMMENT ON TABLE calibration_promotions IS 'Which calibration came into force when. The highest version of a scale is in force.';
COMMENT ON COLUMN calibration_promotions.promoted_by_id IS 'Null when the rule promoted it.';

CREATE TABLE developer_scores (
    developer_id         uuid NOT NULL REFERENCES accounts (id),
    scale                text NOT NULL,
    theta                double precision NOT NULL,
    se                   double precision NOT NULL CHECK (se > 0),
    score                integer NOT NULL,
    lower                integer NOT NULL,
    upper                integer NOT NULL,
    calibration_version  integer NOT NULL,
    formula_version      text NOT NULL,
    evidence             integer NOT NULL CHECK (evidence >= 0),
    version              bigint NOT NULL DEFAULT 1,
    updated_at           timestamptz NOT NULL,
    PRIMARY KEY (developer_id, scale),
    CHECK (lower <= score AND score <= upper),
    CONSTRAINT developer_scores_by FOREIGN KEY (scale, calibration_version) REFERENCES calibrations (scale, version)
);
CREATE INDEX developer_scores_calibration ON developer_scores (scale, calibration_version);
COMMENT ON TABLE developer_scores IS 'What is published: 500 + 100 theta, with the interval that holds the true value nine times in ten.';
COMMENT ON COLUMN developer_scores.theta IS 'Posterior mean, logits.';
COMMENT ON COLUMN developer_scores.se IS 'Posterior standard deviation, logits.';
COMMENT ON COLUMN developer_scores.evidence IS 'Ratings (technical, collaboration) or milestones (delivery) that it rests on.';

CREATE TABLE score_events (
    id            uuid PRIMARY KEY,
    developer_id  uuid NOT NULL REFERENCES accounts (id),
    scale         text NOT NULL,
    cause         text NOT NULL CHECK (cause IN ('session', 'redo', 'appeal', 'recalibration', 'outcome')),
    subject       text,
    before        jsonb,
    after         jsonb,
    created_at    timestamptz NOT NULL,
    CHECK (before IS NOT NULL OR after IS NOT NULL)
);
CREATE INDEX score_events_developer ON score_events (developer_id, id DESC);
COMMENT ON TABLE score_events IS 'Every move of a published score with what caused it. Append-only.';
COMMENT ON COLUMN score_events.subject IS 'The prefixed id of the assessment or milestone, or the calibration, that moved it.';

CREATE TABLE assessment_scores (
    assessment_id        uuid NOT NULL REFERENCES assessments (id),
    scale                text NOT NULL,
    theta                double precision NOT NULL,
    se                   double precision NOT NULL CHECK (se > 0),
    score                integer NOT NULL,
    lower                integer NOT NULL,
    upper                integer NOT NULL,
    above_cut            double precision NOT NULL CHECK (above_cut BETWEEN 0 AND 1),
    cut                  double precision NOT NULL,
    verdict              text NOT NULL CHECK (verdict IN ('pass', 'fail', 'border')),
    calibration_version  integer NOT NULL,
    formula_version      text NOT NULL,
    evidence             integer NOT NULL CHECK (evidence >= 0),
    computed_at          timestamptz NOT NULL,
    PRIMARY KEY (assessment_id, scale),
    CONSTRAINT assessment_scores_by FOREIGN KEY (scale, calibration_version) REFERENCES calibrations (scale, version)
);
CREATE INDEX assessment_scores_calibration ON assessment_scores (scale, calibration_version);
COMMENT ON TABLE assessment_scores IS 'What the cards that are in say, for who decides: staff only, until the decision is published.';

CREATE TABLE delivery_outcomes (
    id                   uuid PRIMARY KEY,
    milestone_id         uuid NOT NULL REFERENCES milestones (id),
    developer_id         uuid NOT NULL REFERENCES accounts (id),
    organisation_id      uuid NOT NULL REFERENCES organisations (id),
    project_id           uuid NOT NULL REFERENCES projects (id),
    accepted_bps         integer NOT NULL CHECK (accepted_bps BETWEEN 0 AND 10000),
    on_time              boolean,
    disputed             boolean NOT NULL,
    fit_bps              integer CHECK (fit_bps BETWEEN 0 AND 10000),
    amount               bigint NOT NULL CHECK (amount > 0),
    currency             text NOT NULL,
    technical_theta      double precision,
    collaboration_theta  double precision,
    rubric_version       text,
    occurred_at          timestamptz NOT NULL,
    CONSTRAINT delivery_outcomes_once UNIQUE (milestone_id)
);
CREATE INDEX delivery_outcomes_developer ON delivery_outcomes (developer_id, occurred_at);
CREATE INDEX delivery_outcomes_organisation ON delivery_outcomes (organisation_id);
CREATE INDEX delivery_outcomes_project ON delivery_outcomes (project_id);
COMMENT ON TABLE delivery_outcomes IS 'How each milestone of a developer ended.';
COMMENT ON COLUMN delivery_outcomes.accepted_bps IS 'Share of the milestone''s amount that became the developer''s, basis points.';
COMMENT ON COLUMN delivery_outcomes.on_time IS 'Delivered by the agreed day; null when nothing was delivered.';
COMMENT ON COLUMN delivery_outcomes.disputed IS 'The client asked for the money back, or a bank took it back.';
COMMENT ON COLUMN delivery_outcomes.fit_bps IS 'Share of the project''s skills that the developer''s portfolio shows, where known.';
COMMENT ON COLUMN delivery_outcomes.technical_theta IS 'The published score when it ended: what validity is judged by.';

CREATE TABLE validity_reports (
    id       uuid PRIMARY KEY,
    report   jsonb NOT NULL,
    made_at  timestamptz NOT NULL
);
COMMENT ON TABLE validity_reports IS 'How well scores foretell deliveries, as published each night.';

CREATE TABLE demographics (
    account_id       uuid PRIMARY KEY REFERENCES accounts (id),
    gender           text CHECK (gender IN ('woman', 'man', 'another')),
    age              text CHECK (age IN ('under_40', 'from_40')),
    disability       text CHECK (disability IN ('yes', 'no')),
    consent_version  text NOT NULL,
    consented_at     timestamptz NOT NULL,
    version          bigint NOT NULL DEFAULT 1,
    updated_at       timestamptz NOT NULL
);
COMMENT ON TABLE demographics IS 'What people tell of themselves, by consent, for the report on adverse impact alone. Never joined to a person in an answer.';

CREATE FUNCTION scoring_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% never changes', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER calibrations_stay BEFORE UPDATE OR DELETE ON calibrations
    FOR EACH ROW EXECUTE FUNCTION scoring_append_only();
CREATE TRIGGER calibration_promotions_stay BEFORE UPDATE OR DELETE ON calibration_promotions
    FOR EACH ROW EXECUTE FUNCTION scoring_append_only();
-- Deleted with a person; never changed.
CREATE TRIGGER score_events_stay BEFORE UPDATE ON score_events
    FOR EACH ROW EXECUTE FUNCTION scoring_append_only();
CREATE TRIGGER delivery_outcomes_stay BEFORE UPDATE OR DELETE ON delivery_outcomes
    FOR EACH ROW EXECUTE FUNCTION scoring_append_only();
