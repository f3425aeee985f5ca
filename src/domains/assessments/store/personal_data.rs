//! What assessments hold about a person.

use assay_platform::personal_data::{PersonalData, Tables};

/// The part of assessments of what is held about people. Who was assessed when, and by whom, stays.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "assessments",
    export: &[
        (
            "assessments",
            "SELECT id, application_id, track, state, zone, starts_at, ends_at, reschedules, task_family, task_version,
                rubric_version, policy_version, redo_of_id, redo_reason, bookable_from, waiting_since, created_at, updated_at
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
    ],
    blockers: &[
        (
            "session_ahead",
            "You are booked for a session: have somebody take it over.",
            "SELECT count(*) FROM booking_hosts WHERE assessor_id = $1 AND state = 'confirmed'",
        ),
    ],
    erase: &[
        "DELETE FROM assessor_time_off WHERE assessor_id = $1",
        "DELETE FROM assessor_tracks WHERE assessor_id = $1",
        "UPDATE assessors SET zone = 'UTC', weekly = '[]', overrides = '[]', employer = NULL, version = version + 1,
            block_reason = CASE WHEN block_reason IS NOT NULL THEN '' END WHERE account_id = $1",
        "UPDATE assessments SET zone = 'UTC', waiting_since = NULL, video_url = NULL, repository_url = NULL,
            version = version + 1 WHERE candidate_id = $1",
    ],
};
