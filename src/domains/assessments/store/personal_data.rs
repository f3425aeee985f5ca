//! What assessments hold about a person. Levels stay without their words: others' scores rest on them.

use assay_platform::personal_data::{PersonalData, Tables};

/// The part of assessments in what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "assessments",
    export: &[
        (
            "assessments",
            "SELECT id, application_id, track, state, zone, starts_at, ends_at, reschedules, task_family, task_version,
                video_url, repository_url, rubric_version, policy_version, redo_of_id, redo_reason, bookable_from, waiting_since, created_at, updated_at
             FROM assessments WHERE candidate_id = $1 ORDER BY id",
        ),
        (
            "bookings",
            "SELECT id, assessment_id, state, starts_at, ends_at, expires_at, created_at
             FROM bookings WHERE candidate_id = $1 ORDER BY id",
        ),
        (
            "assessor",
            "SELECT zone, weekly, overrides, max_per_day, max_per_week, employer, blocked_at, block_reason, joined_at
             FROM assessors WHERE account_id = $1",
        ),
        (
            "assessor_tracks",
            "SELECT track, role FROM assessor_tracks WHERE assessor_id = $1 ORDER BY track, role",
        ),
        (
            "assessor_time_off",
            "SELECT id, starts_at, ends_at, note, created_at FROM assessor_time_off WHERE assessor_id = $1 ORDER BY id",
        ),
        (
            "sessions_held",
            "SELECT booking_id, role, state, starts_at, ends_at, assigned_at
             FROM booking_hosts WHERE assessor_id = $1 ORDER BY starts_at, booking_id",
        ),
        (
            "outcomes",
            "SELECT o.assessment_id, CASE WHEN o.raised_at IS NULL THEN o.outcome ELSE 'approved' END AS outcome,
                o.reason_codes, o.feedback, o.published_at, o.appeal_until, o.raised_at, o.superseded_at
             FROM assessment_outcomes o JOIN assessments a ON a.id = o.assessment_id
             WHERE a.candidate_id = $1 AND o.published_at IS NOT NULL ORDER BY o.decided_at",
        ),
        (
            "appeals",
            "SELECT assessment_id, text, due_at, created_at, outcome, answer, decided_at
             FROM assessment_appeals WHERE candidate_id = $1 ORDER BY created_at",
        ),
        (
            "own_rating_cards",
            "SELECT assessment_id, role, from_record, state, content, rubric_version, opened_at, due_at, submitted_at
             FROM rating_cards WHERE rater_id = $1 ORDER BY id",
        ),
        (
            "anchor_sessions",
            "SELECT s.assessment_id, s.quarter, s.created_at, s.withdrawn_at
             FROM anchor_sessions s JOIN assessments a ON a.id = s.assessment_id WHERE a.candidate_id = $1 ORDER BY s.id",
        ),
        (
            "own_anchor_cards",
            "SELECT s.assessment_id, s.quarter, c.state, c.content, c.rubric_version, c.opened_at, c.due_at, c.submitted_at
             FROM anchor_cards c JOIN anchor_sessions s ON s.id = c.anchor_session_id WHERE c.rater_id = $1 ORDER BY c.id",
        ),
        (
            "own_session_notes",
            "SELECT assessment_id, text, updated_at FROM session_notes WHERE author_id = $1 ORDER BY assessment_id",
        ),
        (
            "calendar_feeds",
            "SELECT id, created_at, revoked_at, last_read_at FROM calendar_feeds WHERE account_id = $1 ORDER BY id",
        ),
        (
            "integrity_concerns_raised",
            "SELECT id, assessment_id, text, evidence, state, created_at
             FROM integrity_concerns WHERE raised_by_id = $1 ORDER BY id",
        ),
    ],
    blockers: &[
        (
            "open_assessment_appeal",
            "An appeal of yours is not decided yet.",
            "SELECT count(*) FROM assessment_appeals WHERE candidate_id = $1 AND decided_at IS NULL",
        ),
        (
            "open_rating_card",
            "A rating card of yours is not submitted yet.",
            "SELECT count(*) FROM rating_cards WHERE rater_id = $1 AND state = 'open'",
        ),
        (
            "session_ahead",
            "You are booked for a session: have somebody take it over.",
            "SELECT count(*) FROM booking_hosts WHERE assessor_id = $1 AND state = 'confirmed'",
        ),
    ],
    erase: &[
        "UPDATE rating_cards c SET version = version + 1, content = jsonb_build_object('summary', NULL,
            'recommendation', c.content -> 'recommendation', 'ratings',
            (SELECT coalesce(jsonb_object_agg(r.key, r.value - 'evidence'), '{}')
             FROM jsonb_each(c.content -> 'ratings') r))
         WHERE c.rater_id = $1 OR c.assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "UPDATE anchor_cards c SET version = version + 1,
            state = CASE WHEN c.state = 'open' THEN 'withdrawn' ELSE c.state END,
            content = jsonb_build_object('summary', NULL, 'recommendation', c.content -> 'recommendation', 'ratings',
            (SELECT coalesce(jsonb_object_agg(r.key, r.value - 'evidence'), '{}')
             FROM jsonb_each(c.content -> 'ratings') r))
         WHERE c.rater_id = $1 OR c.anchor_session_id IN (
            SELECT s.id FROM anchor_sessions s JOIN assessments a ON a.id = s.assessment_id WHERE a.candidate_id = $1)",
        "DELETE FROM session_notes
         WHERE author_id = $1 OR assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "DELETE FROM calendar_feeds WHERE account_id = $1",
        "UPDATE integrity_concerns SET text = '', evidence = '[]', reason = CASE WHEN reason IS NOT NULL THEN '' END
         WHERE raised_by_id = $1 OR assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "UPDATE assessment_outcomes SET reason = '', feedback = '[]'
         WHERE assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "UPDATE assessment_appeals SET text = '', answer = CASE WHEN answer IS NOT NULL THEN '' END
         WHERE candidate_id = $1",
        "DELETE FROM assessor_time_off WHERE assessor_id = $1",
        "DELETE FROM assessor_tracks WHERE assessor_id = $1",
        "UPDATE assessors SET zone = 'UTC', weekly = '[]', overrides = '[]', employer = NULL, version = version + 1,
            block_reason = CASE WHEN block_reason IS NOT NULL THEN '' END WHERE account_id = $1",
        "UPDATE assessments SET zone = 'UTC', waiting_since = NULL, video_url = NULL, repository_url = NULL,
            version = version + 1 WHERE candidate_id = $1",
    ],
};
