//! What contracts hold about a person: the contracts themselves, which are kept as the law demands of accounts, and
//! what the person wrote around them.

use assay_platform::personal_data::{PersonalData, Tables};

/// The contracts' part of what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "contracts",
    export: &[
        (
            "contracts",
            "SELECT id, project_id, bid_id, organisation_id, developer_id, state, terms, content_hash, signatures, reason,
                created_at, updated_at
             FROM contracts WHERE developer_id = $1 OR organisation_id IN (SELECT organisations_of_one($1)) ORDER BY id",
        ),
        (
            "milestones",
            "SELECT m.* FROM milestones m JOIN contracts c ON c.id = m.contract_id
             WHERE c.developer_id = $1 OR c.organisation_id IN (SELECT organisations_of_one($1)) ORDER BY m.id",
        ),
        (
            "deliveries",
            "SELECT d.* FROM deliveries d JOIN milestones m ON m.id = d.milestone_id
             JOIN contracts c ON c.id = m.contract_id WHERE c.developer_id = $1 ORDER BY d.id",
        ),
        (
            "milestone_decisions",
            "SELECT d.* FROM milestone_decisions d JOIN milestones m ON m.id = d.milestone_id
             JOIN contracts c ON c.id = m.contract_id WHERE c.developer_id = $1 OR d.decided_by_id = $1 ORDER BY d.id",
        ),
        (
            "disputes",
            "SELECT d.* FROM disputes d JOIN contracts c ON c.id = d.contract_id
             WHERE c.developer_id = $1 OR c.organisation_id IN (SELECT organisations_of_one($1))
                OR $1 IN (d.opened_by_id, d.mediator_id, d.arbitrator_id, d.appeal_judge_id) ORDER BY d.id",
        ),
        ("dispute_offers", "SELECT * FROM dispute_offers WHERE by_id = $1 ORDER BY id"),
        ("change_orders", "SELECT * FROM change_orders WHERE proposed_by_id = $1 ORDER BY id"),
        ("contract_messages", "SELECT * FROM contract_messages WHERE author_id = $1 ORDER BY id"),
    ],
    blockers: &[
        (
            "open_contract",
            "A contract of yours is not over: finish it, or end it.",
            "SELECT count(*) FROM contracts WHERE state IN ('offer_sent', 'awaiting_funding', 'active', 'paused',
                'completing') AND (developer_id = $1 OR organisation_id IN (SELECT organisations_of_one($1)))",
        ),
        (
            "open_dispute",
            "A dispute of yours is not over.",
            "SELECT count(*) FROM disputes d JOIN contracts c ON c.id = d.contract_id
             WHERE d.state NOT IN ('settled', 'executed', 'withdrawn', 'defaulted', 'expired')
               AND (c.developer_id = $1 OR c.organisation_id IN (SELECT organisations_of_one($1))
                OR $1 IN (d.mediator_id, d.arbitrator_id))",
        ),
        (
            "open_money",
            "Money of a milestone of yours is still under way.",
            "SELECT count(*) FROM milestones m JOIN contracts c ON c.id = m.contract_id
             WHERE m.state NOT IN ('planned', 'settled', 'refunded', 'resolved', 'cancelled')
               AND (c.developer_id = $1 OR c.organisation_id IN (SELECT organisations_of_one($1)))",
        ),
    ],
    erase: &[
        "UPDATE contract_messages SET text = '', links = '[]' WHERE author_id = $1",
        "UPDATE dispute_offers SET note = NULL WHERE by_id = $1",
        "UPDATE disputes d SET reason = '', response = NULL,
            proposal = CASE WHEN d.proposal IS NULL THEN NULL ELSE d.proposal || '{\"reason\": \"\", \"findings\": []}' END,
            award = CASE WHEN d.award IS NULL THEN NULL ELSE d.award || '{\"reason\": \"\", \"findings\": []}' END,
            appeal = CASE WHEN d.appeal IS NULL THEN NULL ELSE d.appeal || '{\"reason\": \"\", \"answer\": null}' END
         FROM contracts c WHERE c.id = d.contract_id
            AND (c.developer_id = $1 OR c.organisation_id IN (SELECT organisations_of_one($1)))",
        "UPDATE change_orders SET reason = '' WHERE proposed_by_id = $1",
        "UPDATE deliveries d SET note = NULL, evidence = '[]' FROM milestones m, contracts c
         WHERE m.id = d.milestone_id AND c.id = m.contract_id AND c.developer_id = $1",
        "UPDATE milestones m SET reason = NULL FROM contracts c WHERE c.id = m.contract_id
           AND (c.developer_id = $1 OR c.organisation_id IN (SELECT organisations_of_one($1)))",
        "UPDATE contracts SET reason = NULL, proposal = NULL
         WHERE developer_id = $1 OR organisation_id IN (SELECT organisations_of_one($1))",
    ],
};
