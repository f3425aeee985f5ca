-- Anchor sessions: decided sessions that every assessor of the track rates from the record, once a quarter. Their cards
-- lie apart from rating_cards: nothing that decides about a candidate reads them.

CREATE TABLE anchor_sessions (
    id               uuid PRIMARY KEY,
    quarter          date NOT NULL CHECK (quarter = date_trunc('quarter', quarter::timestamp)::date),
    track            text NOT NULL,
    assessment_id    uuid NOT NULL REFERENCES assessments (id),
    place            smallint CHECK (place > 0),
    chosen_by_id     uuid REFERENCES accounts (id),
    due_at           timestamptz NOT NULL,
    withdrawn_at     timestamptz,
    withdrawn_by_id  uuid REFERENCES accounts (id),
    created_at       timestamptz NOT NULL,
    CONSTRAINT anchor_sessions_once UNIQUE (assessment_id, quarter),
    CONSTRAINT anchor_sessions_place UNIQUE (quarter, track, place),
    CHECK ((place IS NULL) = (chosen_by_id IS NOT NULL)),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by_id IS NULL))
);
CREATE INDEX anchor_sessions_chosen_by ON anchor_sessions (chosen_by_id) WHERE chosen_by_id IS NOT NULL;
CREATE INDEX anchor_sessions_withdrawn_by ON anchor_sessions (withdrawn_by_id) WHERE withdrawn_by_id IS NOT NULL;
COMMENT ON COLUMN anchor_sessions.quarter IS 'Its first day.';
COMMENT ON COLUMN anchor_sessions.place IS 'Which of the set it is, the lowest levels first; none when a reviewer added it.';

CREATE TABLE anchor_cards (
    id                 uuid PRIMARY KEY,
    anchor_session_id  uuid NOT NULL REFERENCES anchor_sessions (id),
    rater_id           uuid NOT NULL REFERENCES accounts (id),
    state              text NOT NULL CHECK (state IN ('open', 'submitted', 'withdrawn')),
    content            jsonb NOT NULL,
    rubric_version     text NOT NULL REFERENCES rubrics (version),
    opened_at          timestamptz NOT NULL,
    due_at             timestamptz NOT NULL,
    submitted_at       timestamptz,
    notes_deleted_at   timestamptz,
    version            bigint NOT NULL DEFAULT 1,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT anchor_cards_once UNIQUE (anchor_session_id, rater_id),
    CHECK ((state = 'submitted') = (submitted_at IS NOT NULL))
);
CREATE INDEX anchor_cards_of_rater ON anchor_cards (rater_id, due_at);
CREATE INDEX anchor_cards_rubric ON anchor_cards (rubric_version);
CREATE INDEX anchor_cards_open ON anchor_cards (anchor_session_id) WHERE state = 'open';
CREATE INDEX anchor_cards_with_notes ON anchor_cards (opened_at) WHERE notes_deleted_at IS NULL;

-- A submitted card never changes, but for its texts, which are deleted after a time.
CREATE FUNCTION anchor_cards_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, OLD.rater_id, OLD.anchor_session_id, OLD.submitted_at, OLD.rubric_version,
            OLD.content -> 'recommendation', jsonb_path_query_array(OLD.content, '$.ratings.*.level'))
        IS DISTINCT FROM
       (NEW.state, NEW.rater_id, NEW.anchor_session_id, NEW.submitted_at, NEW.rubric_version,
            NEW.content -> 'recommendation', jsonb_path_query_array(NEW.content, '$.ratings.*.level'))
    THEN
        RAISE EXCEPTION 'a submitted card does not change' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'anchor_cards_stay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER anchor_cards_stay BEFORE UPDATE ON anchor_cards
    FOR EACH ROW WHEN (OLD.state = 'submitted') EXECUTE FUNCTION anchor_cards_stay();
