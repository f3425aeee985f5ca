//! What payments hold about a person. What moved stays: books must be kept; it names the person by number only.

use assay_platform::personal_data::{PersonalData, Tables};

/// The part of payments in what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "payments",
    export: &[
        (
            "payee",
            "SELECT country, state, stripe_account, requirements, disabled_reason, tax_hold, created_at, updated_at
             FROM payees WHERE account_id = $1",
        ),
        (
            "transfers",
            "SELECT id, milestone, contract, amount, currency, state, hold, payable_from, failure, reversed, repaid,
                created_at, paid_at FROM transfers WHERE developer_id = $1 ORDER BY id",
        ),
        (
            "payouts",
            "SELECT id, amount, currency, state, failure, arrives_at, created_at FROM payouts
             WHERE developer_id = $1 ORDER BY id",
        ),
        (
            "refunds_taken_back",
            "SELECT id, milestone, contract, amount, currency, state, created_at FROM refunds
             WHERE developer_id = $1 ORDER BY id",
        ),
        (
            "payment_methods",
            "SELECT id, organisation_id, kind, state, created_at FROM payment_methods
             WHERE added_by_id = $1 OR organisation_id IN (SELECT organisations_of_one($1)) ORDER BY id",
        ),
        (
            "payments",
            "SELECT id, milestone, contract, amount, fee, currency, state, failure, created_at, succeeded_at
             FROM payments WHERE organisation_id IN (SELECT organisations_of_one($1)) ORDER BY id",
        ),
        (
            "own_payouts_asked_for",
            "SELECT id, amount, currency, state, reason, created_at FROM payouts WHERE requested_by_id = $1 ORDER BY id",
        ),
        (
            "money_approvals",
            "SELECT id, act, amount, currency, state, proposed_by_id = $1 AS proposed, reason, answer, created_at, decided_at
             FROM money_approvals WHERE proposed_by_id = $1 OR decided_by_id = $1 OR beneficiary_id = $1 ORDER BY id",
        ),
        (
            "differences_resolved",
            "SELECT id, kind, reason, resolved_at FROM provider_differences WHERE resolved_by_id = $1 ORDER BY id",
        ),
    ],
    blockers: &[
        (
            "money_on_its_way",
            "Money is on its way to you: let it arrive.",
            "SELECT count(*) FROM transfers WHERE developer_id = $1
                AND state IN ('accrued', 'on_hold', 'queued', 'submitted', 'failed')",
        ),
        (
            "payment_under_way",
            "A payment or a refund of your organisation is under way: let it end.",
            "SELECT (SELECT count(*) FROM payments WHERE state IN ('pending', 'requires_action', 'processing')
                    AND organisation_id IN (SELECT organisations_of_one($1)))
                + (SELECT count(*) FROM refunds WHERE state IN ('taking_back', 'queued', 'submitted')
                    AND organisation_id IN (SELECT organisations_of_one($1)))",
        ),
    ],
    erase: &[
        "DELETE FROM provider_events WHERE account = (SELECT stripe_account FROM payees WHERE account_id = $1)",
        "UPDATE payees SET requirements = '{}', disabled_reason = NULL, tax_hold = NULL, state = 'blocked', version = version + 1
         WHERE account_id = $1",
        "UPDATE payment_methods SET state = 'removed', version = version + 1
         WHERE organisation_id IN (SELECT organisations_of_one($1))",
        "UPDATE provider_differences SET reason = '' WHERE resolved_by_id = $1",
        "UPDATE payouts SET reason = '' WHERE requested_by_id = $1",
        "UPDATE money_approvals SET reason = '', payload = '{}' WHERE proposed_by_id = $1 AND state <> 'pending'",
        "UPDATE money_approvals SET answer = '' WHERE decided_by_id = $1",
    ],
};
