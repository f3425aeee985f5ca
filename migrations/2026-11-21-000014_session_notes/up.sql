-- What those of the staff who have a session write down in it, each for themselves until they have rated.

CREATE TABLE session_notes (
    assessment_id  uuid NOT NULL REFERENCES assessments (id),
    author_id      uuid NOT NULL REFERENCES accounts (id),
    text           text NOT NULL,
    version        bigint NOT NULL DEFAULT 1,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (assessment_id, author_id)
);
CREATE INDEX session_notes_of_author ON session_notes (author_id);
