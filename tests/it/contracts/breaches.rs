//! Every invariant between decisions and ledger finds what offends it: rows broken on purpose.

use serde_json::json;

use super::active;

const OWN: assay_ledger::Invariants = &[assay_contracts::INVARIANTS];

/// An invariant, what is done, and the SQL that does it.
const BREACHES: &[(&str, &str, &str)] = &[
    (
        "decisions_are_booked",
        "a milestone of which less was released than was decided",
        "UPDATE milestones SET released = released - 1 WHERE released > 0",
    ),
    (
        "decisions_are_booked",
        "a release that the ledger knows and nobody decided",
        "UPDATE milestone_decisions SET released = 0; UPDATE milestones SET released = 0",
    ),
    (
        "milestone_states_agree",
        "a milestone at work whose money is frozen",
        "UPDATE milestones SET state = 'in_work', open_dispute_id = NULL WHERE open_dispute_id IS NOT NULL",
    ),
    (
        "milestone_states_agree",
        "more held back than is frozen",
        "UPDATE milestones SET held_back = held_back + 1, released = released - 1 WHERE released > 0",
    ),
    (
        "milestones_add_up",
        "a decided milestone of which a part is nowhere",
        "UPDATE milestones SET amount = amount + 1 WHERE decided_at IS NOT NULL",
    ),
    (
        "disputes_are_frozen",
        "an open dispute over a milestone that is not frozen",
        "UPDATE milestones SET state = 'in_work' WHERE open_dispute_id IS NOT NULL",
    ),
    (
        "disputes_are_frozen",
        "a milestone frozen by a dispute that is over",
        "UPDATE disputes SET state = 'withdrawn', closed_at = now()",
    ),
    (
        "disputes_are_divided",
        "a dispute that was settled by no decision",
        "UPDATE disputes SET state = 'settled', closed_at = now()",
    ),
    (
        "closed_milestones_are_decided",
        "a milestone closed by nobody",
        "UPDATE milestone_decisions SET terminal = false",
    ),
];

#[tokio::test]
async fn each_invariant_finds_its_breaches() {
    // One milestone is accepted, the other in dispute.
    let deal = active(json!({})).await;
    deal.pay(1).await;
    deal.deliver(1).await;
    deal.act(&deal.client, &deal.milestones[1], "accept", json!({})).await.assert_status(200);
    deal.dispute(&deal.client, 0, 0).await;
    deal.app.assert_found(OWN, "ALTER TABLE milestone_decisions DISABLE TRIGGER ALL;", BREACHES).await;
    deal.app.stop().await;
}
