//! What vetting holds about a person.

use assay_platform::personal_data::{PersonalData, Tables};

/// Vetting's part of what is held about people. What was decided stays, without its words.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "vetting",
    export: &[
        (
            "applications",
            "SELECT id, state, tracks, statement, hours_per_week, rate_amount, rate_currency, languages, fast_lane,
                fast_lane_at, submitted_at, screening_due_at, expires_at, policy_version, created_at, updated_at
             FROM applications WHERE account_id = $1 ORDER BY id",
        ),
        (
            "decisions",
            "SELECT id, application_id, approval_id, by_assessment_id, kind, reason_code, reason, notes, evidence, decided_at, appeal_until,
                overturned_at
             FROM decisions WHERE account_id = $1 ORDER BY id",
        ),
        (
            "appeals",
            "SELECT id, decision_id, text, state, due_at, decided_at, answer, created_at
             FROM appeals WHERE account_id = $1 ORDER BY id",
        ),
        (
            "approvals",
            "SELECT id, application_id, state, granted_at, expires_at, reason, revoked_at, revoke_reason, policy_version
             FROM approvals WHERE account_id = $1 ORDER BY id",
        ),
    ],
    blockers: &[
        (
            "application_under_way",
            "An application of yours is under way: withdraw it, or let it end.",
            "SELECT count(*) FROM applications WHERE account_id = $1 AND state IN
                ('submitted', 'screening', 'changes_requested', 'assessment_ready', 'assessed')",
        ),
        (
            "open_appeal",
            "An appeal of yours is not decided yet.",
            "SELECT count(*) FROM appeals WHERE account_id = $1 AND state IN ('open', 'in_review')",
        ),
    ],
    erase: &[
        "DELETE FROM applications WHERE account_id = $1 AND state = 'draft'",
        "UPDATE applications SET statement = NULL, hours_per_week = NULL, rate_amount = NULL, rate_currency = NULL,
            languages = '[]', fast_lane = NULL, version = version + 1 WHERE account_id = $1",
        "UPDATE decisions SET reason = CASE WHEN reason IS NOT NULL THEN '' END, notes = '[]', evidence = '[]'
         WHERE account_id = $1",
        "UPDATE appeals SET text = '', answer = CASE WHEN answer IS NOT NULL THEN '' END, version = version + 1
         WHERE account_id = $1",
        "UPDATE approvals SET reason = '', version = version + 1,
            revoke_reason = CASE WHEN revoke_reason IS NOT NULL THEN '' END WHERE account_id = $1",
    ],
};
