//! What the market holds about a person: bids, offers, invitations, and the projects of an organisation of one.

use assay_platform::personal_data::{PersonalData, Tables};

/// The market's part of what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "projects",
    export: &[
        ("bids", "SELECT * FROM bids WHERE developer_id = $1 ORDER BY id"),
        (
            "bid_revisions",
            "SELECT r.* FROM bid_revisions r JOIN bids b ON b.id = r.bid_id WHERE b.developer_id = $1
             ORDER BY r.bid_id, r.revision",
        ),
        ("offers", "SELECT * FROM offers WHERE made_by_id = $1 ORDER BY id"),
        ("invitations", "SELECT * FROM invitations WHERE developer_id = $1 OR invited_by_id = $1 ORDER BY id"),
        (
            "projects",
            "SELECT id, organisation_id, state, title, description, outcome, decision_maker, budget_amount,
                budget_currency, effort_hours, starts_on, duration_days, time_zone, overlap_hours, confidentiality,
                skills, milestones, submitted_at, listed_at, created_at, updated_at
             FROM projects WHERE posted_by_id = $1 OR organisation_id IN (SELECT organisations_of_one($1)) ORDER BY id",
        ),
        (
            "curation_decisions",
            "SELECT d.id, d.project_id, d.kind, d.reason_code, d.reason, d.notes, d.decided_at
             FROM curation_decisions d JOIN projects p ON p.id = d.project_id WHERE p.posted_by_id = $1 ORDER BY d.id",
        ),
        (
            "curation_appeals",
            "SELECT id, decision_id, project_id, text, state, due_at, decided_at, answer, created_at
             FROM curation_appeals WHERE appellant_id = $1 ORDER BY id",
        ),
    ],
    blockers: &[
        (
            "live_bid",
            "You have live bids: withdraw them, or let them end.",
            "SELECT count(*) FROM bids WHERE developer_id = $1 AND state IN
                ('waitlisted', 'submitted', 'shortlisted', 'offered', 'countered', 'accepted', 'contracted')",
        ),
        (
            "open_project",
            "A project of your organisation is open: withdraw it, or let it end.",
            "SELECT count(*) FROM projects WHERE state IN ('submitted', 'in_curation', 'changes_requested', 'listed',
                'shortlisting', 'awarded', 'in_contract', 'paused') AND organisation_id IN (SELECT organisations_of_one($1))",
        ),
        (
            "open_appeal",
            "An appeal of yours is not decided yet.",
            "SELECT count(*) FROM curation_appeals WHERE appellant_id = $1 AND state = 'open'",
        ),
    ],
    erase: &[
        "DELETE FROM bids WHERE developer_id = $1 AND state = 'draft'",
        "UPDATE bids SET reason = NULL, version = version + 1, document = jsonb_build_object(
            'prices', document -> 'prices', 'approaches', '[]'::jsonb, 'risks', '[]'::jsonb, 'first_step', '')
         WHERE developer_id = $1",
        "UPDATE bid_revisions r SET document = jsonb_build_object(
            'prices', r.document -> 'prices', 'approaches', '[]'::jsonb, 'risks', '[]'::jsonb, 'first_step', '')
         FROM bids b WHERE b.id = r.bid_id AND b.developer_id = $1",
        "UPDATE offers SET message = '' WHERE made_by_id = $1",
        "UPDATE invitations SET message = '', version = version + 1 WHERE invited_by_id = $1",
        "UPDATE invitations SET decline_reason = NULL, message = '', version = version + 1 WHERE developer_id = $1",
        "UPDATE curation_appeals SET text = '', answer = CASE WHEN answer IS NOT NULL THEN '' END,
            version = version + 1 WHERE appellant_id = $1",
        "UPDATE curation_decisions d SET reason = CASE WHEN reason IS NOT NULL THEN '' END, notes = '[]'
         FROM projects p WHERE p.id = d.project_id AND p.organisation_id IN (SELECT organisations_of_one($1))",
        "UPDATE projects SET title = 'erased', description = '', outcome = NULL, decision_maker = NULL,
            milestones = '[]', import_key = NULL, version = version + 1
         WHERE organisation_id IN (SELECT organisations_of_one($1))",
    ],
};
