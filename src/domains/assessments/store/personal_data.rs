//! What assessments hold about a person. Levels stay without their words: others' scores rest on them.

use assay_platform::personal_data::{PersonalData, Tables};

/// The part of assessments in what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "assessments",
    export: &[
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
    ],
    erase: &[
        "UPDATE rating_cards c SET version = version + 1, content = jsonb_build_object('summary', NULL,
            'recommendation', c.content -> 'recommendation', 'ratings',
            (SELECT coalesce(jsonb_object_agg(r.key, r.value - 'evidence'), '{}')
             FROM jsonb_each(c.content -> 'ratings') r))
         WHERE c.rater_id = $1 OR c.assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "UPDATE integrity_concerns SET text = '', evidence = '[]', reason = CASE WHEN reason IS NOT NULL THEN '' END
         WHERE raised_by_id = $1 OR assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "UPDATE assessment_outcomes SET reason = '', feedback = '[]'
         WHERE assessment_id IN (SELECT id FROM assessments WHERE candidate_id = $1)",
        "UPDATE assessment_appeals SET text = '', answer = CASE WHEN answer IS NOT NULL THEN '' END
         WHERE candidate_id = $1",
    ],
};
