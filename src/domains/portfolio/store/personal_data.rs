//! What the portfolio holds about a person.

use assay_platform::personal_data::{PersonalData, Tables};

/// The portfolio's part of what is held about people: all of it goes. Signs of gaming are the reviewers' and are not
/// exported. A worker in the middle of an import finds that it has lost it.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "portfolio",
    export: &[
        (
            "portfolio",
            "SELECT profile, signals, formula_version, imported_at, updated_at FROM portfolios WHERE account_id = $1",
        ),
        (
            "imports",
            "SELECT id, state, step, progress, failure_code, failure_detail, policy_version, requested_at, started_at,
                finished_at
             FROM portfolio_imports WHERE account_id = $1 ORDER BY id",
        ),
        ("items", "SELECT * FROM portfolio_items WHERE account_id = $1 ORDER BY id"),
        (
            "challenges",
            "SELECT c.item_id, c.place, c.url, c.state, c.failure, c.created_at, c.expires_at, c.asked_at, c.checked_at
             FROM portfolio_challenges c JOIN portfolio_items i ON i.id = c.item_id WHERE i.account_id = $1
             ORDER BY c.item_id",
        ),
        (
            "contributions",
            "SELECT kind, provider_number, repository, url, title, at FROM portfolio_contributions
             WHERE account_id = $1 ORDER BY at",
        ),
        (
            "skills",
            "SELECT skill, derived, claimed, removed, share_bps, repositories, pull_requests, updated_at
             FROM portfolio_skills WHERE account_id = $1 ORDER BY skill",
        ),
    ],
    blockers: &[],
    erase: &[
        "DELETE FROM portfolio_items WHERE account_id = $1",
        "DELETE FROM portfolio_contributions WHERE account_id = $1",
        "DELETE FROM portfolio_etags WHERE account_id = $1",
        "DELETE FROM portfolio_skills WHERE account_id = $1",
        "DELETE FROM portfolio_imports WHERE account_id = $1",
        "DELETE FROM portfolios WHERE account_id = $1",
    ],
};
