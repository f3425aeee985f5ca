-- Ratings: versions of the rubric, blind cards, concerns about integrity, decisions, appeals.

CREATE TABLE rubrics (
    version       text PRIMARY KEY,
    document      jsonb NOT NULL,
    effective_at  timestamptz NOT NULL
);
COMMENT ON TABLE rubrics IS 'Every version of config/rubric.json that was in force, as it was.';

CREATE TABLE rating_cards (
    id                uuid PRIMARY KEY,
    assessment_id     uuid NOT NULL REFERENCES assessments (id),
    rater_id          uuid NOT NULL REFERENCES accounts (id),
    role              text NOT NULL CHECK (role IN ('lead', 'observer', 'third', 'appeal')),
    from_record       boolean NOT NULL,
    state             text NOT NULL CHECK (state IN ('open', 'submitted', 'withdrawn')),
    content           jsonb NOT NULL,
    rubric_version    text NOT NULL REFERENCES rubrics (version),
    opened_at         timestamptz NOT NULL,
    due_at            timestamptz NOT NULL,
    submitted_at      timestamptz,
    notes_deleted_at  timestamptz,
    version           bigint NOT NULL DEFAULT 1,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT rating_cards_once UNIQUE (assessment_id, rater_id),
    CHECK ((state = 'submitted') = (submitted_at IS NOT NULL))
);
CREATE UNIQUE INDEX rating_cards_one_of_a_role ON rating_cards (assessment_id, role) WHERE state <> 'withdrawn';
CREATE INDEX rating_cards_of_rater ON rating_cards (rater_id, opened_at);
CREATE INDEX rating_cards_rubric ON rating_cards (rubric_version);
CREATE INDEX rating_cards_with_notes ON rating_cards (opened_at) WHERE notes_deleted_at IS NULL;
COMMENT ON COLUMN rating_cards.from_record IS 'Rates from the record: was not in the session.';

-- A submitted card never changes, but for its notes, which are deleted after a time.
CREATE FUNCTION rating_cards_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, OLD.rater_id, OLD.assessment_id, OLD.role, OLD.submitted_at, OLD.rubric_version,
            OLD.content -> 'recommendation', jsonb_path_query_array(OLD.content, '$.ratings.*.level'))
        IS DISTINCT FROM
       (NEW.state, NEW.rater_id, NEW.assessment_id, NEW.role, NEW.submitted_at, NEW.rubric_version,
            NEW.content -> 'recommendation', jsonb_path_query_array(NEW.content, '$.ratings.*.level'))
    THEN
        RAISE EXCEPTION 'a submitted card does not change' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'rating_cards_stay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rating_cards_stay BEFORE UPDATE ON rating_cards
    FOR EACH ROW WHEN (OLD.state = 'submitted') EXECUTE FUNCTION rating_cards_stay();

CREATE TABLE rating_readers (
    assessment_id  uuid NOT NULL REFERENCES assessments (id),
    reader_id      uuid NOT NULL REFERENCES accounts (id),
    first_read_at  timestamptz NOT NULL,
    PRIMARY KEY (assessment_id, reader_id)
);
CREATE INDEX rating_readers_of ON rating_readers (reader_id);
COMMENT ON TABLE rating_readers IS 'Who has seen the cards of an assessment: they rate it no more.';

CREATE TABLE integrity_concerns (
    id             uuid PRIMARY KEY,
    assessment_id  uuid NOT NULL REFERENCES assessments (id),
    raised_by_id   uuid NOT NULL REFERENCES accounts (id),
    text           text NOT NULL,
    evidence       jsonb NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'dismissed', 'upheld')),
    decided_by_id  uuid REFERENCES accounts (id),
    decided_at     timestamptz,
    reason         text,
    created_at     timestamptz NOT NULL,
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by_id IS NULL)),
    CHECK ((decided_at IS NULL) = (reason IS NULL)),
    CONSTRAINT integrity_concerns_another_decides CHECK (decided_by_id <> raised_by_id)
);
CREATE INDEX integrity_concerns_of ON integrity_concerns (assessment_id, id DESC);
CREATE INDEX integrity_concerns_raised_by ON integrity_concerns (raised_by_id);
CREATE INDEX integrity_concerns_decided_by ON integrity_concerns (decided_by_id) WHERE decided_by_id IS NOT NULL;

CREATE TABLE assessment_outcomes (
    assessment_id  uuid PRIMARY KEY REFERENCES assessments (id),
    outcome        text NOT NULL CHECK (outcome IN ('approved', 'not_ready')),
    reason_codes   text[] NOT NULL,
    reason         text NOT NULL,
    means          jsonb NOT NULL,
    feedback       jsonb NOT NULL,
    decided_by_id  uuid NOT NULL REFERENCES accounts (id),
    decided_at     timestamptz NOT NULL,
    publish_at     timestamptz NOT NULL,
    published_at   timestamptz,
    appeal_until   timestamptz,
    superseded_at  timestamptz,
    raised_at      timestamptz,
    CONSTRAINT assessment_outcomes_by_decider UNIQUE (assessment_id, decided_by_id),
    CHECK (appeal_until IS NULL OR published_at IS NOT NULL),
    CHECK (raised_at IS NULL OR outcome = 'not_ready')
);
CREATE INDEX assessment_outcomes_decider ON assessment_outcomes (decided_by_id);
COMMENT ON COLUMN assessment_outcomes.means IS 'The unadjusted means that the reviewer was shown.';
COMMENT ON COLUMN assessment_outcomes.superseded_at IS 'When a redo was granted: the decision after it takes its place.';
COMMENT ON COLUMN assessment_outcomes.raised_at IS 'When an appeal raised it to approved.';

CREATE TABLE assessment_appeals (
    assessment_id  uuid PRIMARY KEY REFERENCES assessments (id),
    candidate_id   uuid NOT NULL REFERENCES accounts (id),
    against_id     uuid NOT NULL REFERENCES accounts (id),
    text           text NOT NULL,
    due_at         timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    outcome        text CHECK (outcome IN ('raise', 'keep')),
    answer         text,
    decided_by_id  uuid REFERENCES accounts (id),
    decided_at     timestamptz,
    CONSTRAINT assessment_appeals_names_the_decider FOREIGN KEY (assessment_id, against_id)
        REFERENCES assessment_outcomes (assessment_id, decided_by_id),
    CONSTRAINT assessment_appeals_another_decides CHECK (decided_by_id <> against_id AND decided_by_id <> candidate_id),
    CHECK ((outcome IS NULL) = (decided_at IS NULL)),
    CHECK ((outcome IS NULL) = (decided_by_id IS NULL)),
    CHECK ((outcome IS NULL) = (answer IS NULL))
);
CREATE INDEX assessment_appeals_of ON assessment_appeals (candidate_id);
CREATE INDEX assessment_appeals_against ON assessment_appeals (against_id);
CREATE INDEX assessment_appeals_decider ON assessment_appeals (decided_by_id) WHERE decided_by_id IS NOT NULL;

ALTER TABLE decisions ADD COLUMN by_assessment_id uuid REFERENCES assessments (id);
CREATE INDEX decisions_by_assessment ON decisions (by_assessment_id) WHERE by_assessment_id IS NOT NULL;
COMMENT ON COLUMN decisions.by_assessment_id IS 'The assessment whose outcome it is.';
