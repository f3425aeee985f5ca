-- Assessments: who assesses and when they can, the paired session of an application, and who is booked for it.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE assessors (
    account_id     uuid PRIMARY KEY REFERENCES accounts (id),
    zone           text NOT NULL,
    weekly         jsonb NOT NULL,
    overrides      jsonb NOT NULL,
    max_per_day    integer CHECK (max_per_day BETWEEN 1 AND 12),
    max_per_week   integer CHECK (max_per_week BETWEEN 1 AND 60),
    weight         integer NOT NULL DEFAULT 100 CHECK (weight BETWEEN 0 AND 1000),
    priority       integer NOT NULL DEFAULT 2 CHECK (priority BETWEEN 0 AND 4),
    employer       text,
    blocked_at     timestamptz,
    blocked_by_id  uuid REFERENCES accounts (id),
    block_reason   text,
    joined_at      timestamptz NOT NULL,
    version        bigint NOT NULL DEFAULT 1,
    updated_at     timestamptz NOT NULL,
    CHECK ((blocked_at IS NULL) = (blocked_by_id IS NULL)),
    CHECK ((blocked_at IS NULL) = (block_reason IS NULL))
);
CREATE INDEX assessors_blocked_by ON assessors (blocked_by_id) WHERE blocked_by_id IS NOT NULL;
COMMENT ON COLUMN assessors.weekly IS 'Weekly rules in the zone''s wall clock, as the slot engine reads them (S1).';
COMMENT ON COLUMN assessors.overrides IS 'Date overrides, as the slot engine reads them (S2).';
COMMENT ON COLUMN assessors.max_per_day IS 'The assessor''s own limit; the policy''s applies where it is lower or this is null.';

CREATE TABLE assessor_tracks (
    assessor_id  uuid NOT NULL REFERENCES assessors (account_id),
    track        text NOT NULL,
    role         text NOT NULL CHECK (role IN ('lead', 'observer', 'shadow')),
    PRIMARY KEY (assessor_id, track, role)
);
CREATE INDEX assessor_tracks_pool ON assessor_tracks (track, role, assessor_id);
COMMENT ON COLUMN assessor_tracks.track IS 'Slug of a skill family.';

CREATE TABLE assessor_time_off (
    id           uuid PRIMARY KEY,
    assessor_id  uuid NOT NULL REFERENCES assessors (account_id),
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    note         text,
    created_at   timestamptz NOT NULL,
    CHECK (starts_at < ends_at)
);
CREATE INDEX assessor_time_off_of ON assessor_time_off (assessor_id, ends_at);

CREATE TABLE assessments (
    id                       uuid PRIMARY KEY,
    application_id           uuid NOT NULL REFERENCES applications (id),
    candidate_id             uuid NOT NULL REFERENCES accounts (id),
    track                    text NOT NULL,
    state                    text NOT NULL CHECK (state IN ('requested', 'booked', 'checked_in', 'in_progress',
                                 'in_review', 'agreed', 'adjudication', 'finalized', 'appealed', 're_reviewed',
                                 'candidate_no_show', 'assessor_no_show', 'aborted_technical', 'cancelled',
                                 'voided_integrity')),
    zone                     text NOT NULL,
    starts_at                timestamptz,
    ends_at                  timestamptz,
    reschedules              integer NOT NULL DEFAULT 0,
    ics_sequence             integer NOT NULL DEFAULT 0,
    task_family              text NOT NULL,
    task_version             text NOT NULL,
    ai_policy                text NOT NULL,
    rubric_version           text NOT NULL,
    policy                   jsonb NOT NULL,
    policy_version           text NOT NULL REFERENCES policies (version),
    redo_of_id               uuid REFERENCES assessments (id),
    redo_reason              text CHECK (redo_reason IN ('technical', 'assessor_no_show', 'candidate_no_show',
                                 'granted', 'cancelled')),
    priority                 boolean NOT NULL DEFAULT false,
    bookable_from            timestamptz NOT NULL,
    waiting_since            timestamptz,
    candidate_checked_in_at  timestamptz,
    started_at               timestamptz,
    ended_at                 timestamptz,
    video_url                text,
    repository_url           text,
    version                  bigint NOT NULL DEFAULT 1,
    created_at               timestamptz NOT NULL,
    updated_at               timestamptz NOT NULL,
    CHECK ((starts_at IS NULL) = (ends_at IS NULL)),
    CHECK (starts_at < ends_at),
    CHECK ((redo_of_id IS NULL) = (redo_reason IS NULL))
);
CREATE UNIQUE INDEX assessments_one_live ON assessments (application_id) WHERE state IN ('requested', 'booked',
    'checked_in', 'in_progress', 'in_review', 'agreed', 'adjudication', 'appealed', 're_reviewed');
CREATE INDEX assessments_of_application ON assessments (application_id, id DESC);
CREATE INDEX assessments_of_candidate ON assessments (candidate_id, id DESC);
CREATE INDEX assessments_by_state ON assessments (state, id DESC);
CREATE INDEX assessments_waiting ON assessments (track, waiting_since) WHERE waiting_since IS NOT NULL;
CREATE INDEX assessments_policy ON assessments (policy_version);
CREATE INDEX assessments_redo_of ON assessments (redo_of_id) WHERE redo_of_id IS NOT NULL;
COMMENT ON COLUMN assessments.track IS 'Slug of the skill family that is assessed.';
COMMENT ON COLUMN assessments.zone IS 'The candidate''s IANA zone, in which times are told to them.';
COMMENT ON COLUMN assessments.policy IS 'The numbers that govern it, as they were when it was requested.';
COMMENT ON COLUMN assessments.bookable_from IS 'No slot before it: the cool-down after a no-show.';
COMMENT ON COLUMN assessments.waiting_since IS 'Since when no slot could be offered.';

-- A time that is held for, or booked by, a candidate. A change of time is a new row: no range is ever updated.
CREATE TABLE bookings (
    id             uuid PRIMARY KEY,
    assessment_id  uuid NOT NULL REFERENCES assessments (id),
    candidate_id   uuid NOT NULL REFERENCES accounts (id),
    state          text NOT NULL CHECK (state IN ('held', 'confirmed', 'completed', 'no_show', 'rescheduled',
                       'cancelled_early', 'cancelled_late', 'released', 'expired')),
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    expires_at     timestamptz,
    created_at     timestamptz NOT NULL,
    CHECK (starts_at < ends_at),
    CHECK ((state = 'held') <= (expires_at IS NOT NULL)),
    CONSTRAINT bookings_of_candidate_apart EXCLUDE USING gist
        (candidate_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (state = 'confirmed')
);
CREATE UNIQUE INDEX bookings_one_hold ON bookings (candidate_id) WHERE state = 'held';
CREATE UNIQUE INDEX bookings_one_confirmed ON bookings (assessment_id) WHERE state = 'confirmed';
CREATE INDEX bookings_of_assessment ON bookings (assessment_id, id DESC);
CREATE INDEX bookings_of_candidate ON bookings (candidate_id, starts_at);
CREATE INDEX bookings_held_until ON bookings (expires_at) WHERE state = 'held';

-- Who of the staff is blocked by a booking, and when: the session with its buffers. The state is the booking's.
CREATE TABLE booking_hosts (
    booking_id     uuid NOT NULL REFERENCES bookings (id),
    assessor_id    uuid NOT NULL REFERENCES assessors (account_id),
    role           text NOT NULL CHECK (role IN ('lead', 'observer', 'shadow')),
    state          text NOT NULL CHECK (state IN ('held', 'confirmed', 'completed', 'no_show', 'rescheduled',
                       'cancelled_early', 'cancelled_late', 'released', 'expired')),
    blocked        tstzrange NOT NULL,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    local_date     date NOT NULL,
    assigned_at    timestamptz NOT NULL,
    checked_in_at  timestamptz,
    PRIMARY KEY (booking_id, assessor_id),
    CONSTRAINT booking_hosts_apart EXCLUDE USING gist (assessor_id WITH =, blocked WITH &&)
        WHERE (state IN ('held', 'confirmed'))
);
CREATE UNIQUE INDEX booking_hosts_one_lead ON booking_hosts (booking_id) WHERE role = 'lead';
CREATE INDEX booking_hosts_of_assessor ON booking_hosts (assessor_id, starts_at);
CREATE INDEX booking_hosts_assigned ON booking_hosts (assessor_id, assigned_at);
COMMENT ON COLUMN booking_hosts.blocked IS 'The session with its buffers.';
COMMENT ON COLUMN booking_hosts.local_date IS 'The date of the start in the assessor''s zone, by which limits count (S12).';
