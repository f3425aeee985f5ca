//! What scoring holds about a person. Outcomes and assessors' severities stay without a name: others' figures rest on them.

use assay_platform::personal_data::{PersonalData, Tables};

/// The part of scoring in what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "scoring",
    export: &[
        (
            "scores",
            "SELECT scale, score, lower, upper, theta, se, calibration_version, formula_version, evidence, updated_at
             FROM developer_scores WHERE developer_id = $1 ORDER BY scale",
        ),
        (
            "score_events",
            "SELECT id, scale, cause, subject, before, after, created_at
             FROM score_events WHERE developer_id = $1 ORDER BY id",
        ),
        (
            "delivery_outcomes",
            "SELECT milestone_id, project_id, accepted_bps, on_time, disputed, amount, currency, occurred_at
             FROM delivery_outcomes WHERE developer_id = $1 ORDER BY occurred_at",
        ),
        (
            "demographics",
            "SELECT gender, age, disability, consent_version, consented_at FROM demographics WHERE account_id = $1",
        ),
    ],
    blockers: &[],
    erase: &[
        "DELETE FROM demographics WHERE account_id = $1",
        "DELETE FROM score_events WHERE developer_id = $1",
        "DELETE FROM developer_scores WHERE developer_id = $1",
        "DELETE FROM assessment_scores WHERE assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
    ],
};
