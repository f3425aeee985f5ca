//! Every state that waits for somebody has an end.

use serde_json::json;

use super::{active, signed};

#[tokio::test]
async fn silence_accepts_after_two_warnings() {
    let deal = active(json!({ "review_days": 6 })).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    deal.deliver(0).await;
    app.work().await;
    assert_eq!(deal.mails("Delivered: Import").await, 1);
    app.advance_days(3).await;
    assert_eq!(deal.mails("Your review ends soon: Import").await, 1);
    app.advance_days(2).await;
    assert_eq!(deal.mails("Your review ends soon: Import").await, 2);
    assert_eq!(deal.state(path).await, "delivered");
    app.advance_days(1).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "auto_accepted");
    assert_eq!(seen.at("/released/amount"), 630_000);
    assert_eq!(seen.at("/decisions/0/kind"), "auto_accepted");
    assert_eq!(seen.at("/decisions/0/decided_by"), json!(null));
    assert_eq!(deal.mails("released: Import").await, 1);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_contract_lapses_unsigned_and_unpaid() {
    let unsigned = super::drawn_up(json!({})).await;
    unsigned.app.advance_days(8).await;
    assert_eq!(unsigned.state(&unsigned.contract).await, "cancelled_before_start");
    assert_eq!(unsigned.state(&unsigned.project).await, "awarded");
    unsigned.app.stop().await;

    let unpaid = signed(json!({})).await;
    unpaid.app.advance_days(8).await;
    assert_eq!(unpaid.state(&unpaid.contract).await, "cancelled_before_start");
    assert_eq!(unpaid.state(&unpaid.milestones[0]).await, "cancelled");
    unpaid.app.stop().await;
}

#[tokio::test]
async fn a_payment_under_way_keeps_the_contract_and_one_too_late_goes_back() {
    let deal = signed(json!({})).await;
    let path = &deal.milestones[0];
    deal.float(&deal.client).await;
    // A bank debit is under way for four days.
    let bank = deal.add_method(&deal.client, "bank_debit", "pm_usBankAccount").await;
    deal.settle_days(5).await;
    deal.fund_with(&bank, &[path]).await.assert_status(200);
    deal.settle().await;
    deal.settle_days(3).await;
    assert_eq!(deal.state(&deal.contract).await, "awaiting_funding", "the seven days are over");
    let reason = json!({ "reason": "We have changed our minds about it." });
    let cancel = deal.act(&deal.client, &deal.contract, "cancel", reason).await;
    assert_eq!((cancel.status, cancel.at("/why_not/0/code")), (409, json!("no_payment_under_way")));
    deal.settle_days(2).await;
    assert_eq!(deal.state(path).await, "funded");

    // The second payment is under way when the contract ends.
    deal.fund_with(&bank, &[&deal.milestones[1]]).await.assert_status(200);
    deal.settle().await;
    let ending = json!({ "reason": "The product was sold meanwhile." });
    deal.act(&deal.client, &deal.contract, "terminate_for_cause", ending).await.assert_status(200);
    assert_eq!(deal.state(&deal.milestones[1]).await, "cancelled");
    deal.settle_days(5).await;
    let seen = deal.see(&deal.milestones[1]).await;
    assert_eq!(seen.text_at("/state"), "refunded");
    assert_eq!(seen.at("/decisions/0/kind"), "came_too_late");
    assert_eq!(seen.at("/decisions/0/refunded_fee/amount"), 67_500);
    deal.settle_days(4).await;
    assert_eq!(
        deal.refunds(&deal.client).await,
        ["succeeded", "succeeded"],
        "the first was cancelled with it"
    );
    deal.assert_whole().await;
    deal.app.stop().await;
}

/// Days from now to the due date of a milestone.
async fn days_to(deal: &super::Deal, path: &str) -> u64 {
    let due: chrono::DateTime<chrono::Utc> = deal.see(path).await.text_at("/due_at").parse().unwrap();
    (due - deal.app.now()).num_days().unsigned_abs() + 1
}

#[tokio::test]
async fn what_is_late_can_be_cancelled_and_what_never_comes_is() {
    let deal = active(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    deal.float(&deal.client).await;
    // The money cannot be held for so long: the clock of the hold is put off for this story.
    app.sql("DELETE FROM timers WHERE event LIKE 'hold%'").await.unwrap();
    app.advance_days(days_to(&deal, path).await).await;
    let early = deal.act(&deal.client, path, "cancel_late", json!(null)).await;
    assert_eq!((early.status, early.at("/why_not/0/code")), (409, json!("is_late")));
    app.advance_days(15).await;
    assert!(app.kinds(&deal.client).await.iter().any(|kind| kind == "milestone.late"));
    let allowed = deal.see(path).await.at("/allowed_actions");
    assert!(allowed.as_array().unwrap().contains(&json!("cancel_late")), "{allowed}");
    app.advance_days(57).await;
    assert_eq!(deal.mails("Not delivered: Import").await, 2, "both sides are reminded");
    assert_eq!(deal.state(path).await, "funded");
    app.advance_days(3).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "cancelled");
    assert_eq!(seen.at("/decisions/0/kind"), "never_delivered");
    assert_eq!(seen.at("/refunded/amount"), 630_000);
    assert_eq!(deal.mails("comes back to you: Import").await, 1);
    deal.settle().await;
    assert_eq!(deal.refunds(&deal.client).await, ["succeeded"]);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn money_is_held_ninety_days_at_most() {
    let deal = active(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    deal.float(&deal.client).await;
    // A pause stops the dates of delivery, not the provider's limit.
    let reason = json!({ "reason": "The data come a quarter later." });
    deal.act(&deal.client, &deal.contract, "pause", reason).await.assert_status(200);
    app.advance_days(77).await;
    assert_eq!(deal.mails("Money can be held until").await, 2);
    assert_eq!(deal.state(path).await, "funded");
    deal.settle_days(14).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "cancelled");
    assert_eq!(seen.at("/decisions/0/kind"), "hold_expired");
    assert_eq!(deal.refunds(&deal.client).await, ["succeeded"]);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_request_for_a_refund_is_answered_or_granted_by_silence() {
    let deal = active(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    let ask = json!({ "reason": "The importer is not needed any more." });
    app.post(&format!("{path}/request_refund")).by(&deal.client).json(ask.clone()).expect(200).await;
    assert_eq!(deal.state(path).await, "refund_requested");
    let no = json!({ "reason": "Half of the work is done and shown." });
    app.post(&format!("{path}/decline_refund")).by(&deal.developer).json(no).expect(200).await;
    assert_eq!(deal.state(path).await, "funded", "back where it stood");

    deal.deliver(0).await;
    let until = deal.see(path).await.text_at("/review_until");
    app.post(&format!("{path}/request_refund")).by(&deal.client).json(ask.clone()).expect(200).await;
    app.advance_days(2).await;
    app.post(&format!("{path}/withdraw_refund")).by(&deal.client).expect(200).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "delivered");
    let parse = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let moved = (parse(&seen.text_at("/review_until")) - parse(&until)).num_days();
    assert_eq!(moved, 2, "the review waited while the request stood");

    // A part is accepted first: only the rest goes back.
    let sample = seen.at("/deliverables/1/id");
    deal.act(&deal.client, path, "accept", json!({ "deliverables": [{ "deliverable_id": sample }] })).await;
    app.post(&format!("{path}/request_refund")).by(&deal.client).json(ask).expect(200).await;
    deal.settle_days(8).await;
    let seen = deal.see(path).await;
    assert_eq!(deal.refunds(&deal.client).await, ["succeeded"]);
    assert_eq!(deal.transfers(&deal.developer).await, ["on_hold"], "nobody knows the payee yet");
    assert_eq!(seen.text_at("/state"), "accepted_partial");
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(252_000), json!(378_000)));
    assert_eq!(seen.at("/decisions/1/kind"), "refund_granted");
    assert_eq!(seen.at("/decisions/1/refunded_fee/amount"), 56_700);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn rounds_of_changes_are_counted() {
    let deal = active(json!({ "revision_limit": 1 })).await;
    let path = &deal.milestones[0];
    let changes = json!({ "reason": "The third format is missing." });
    deal.deliver(0).await;
    let stale = deal.app.post(&format!("{path}/request_changes")).by(&deal.client).if_match("\"1\"");
    stale.json(changes.clone()).expect(412).await;
    deal.act(&deal.client, path, "request_changes", changes.clone()).await.assert_status(200);
    deal.deliver(0).await;
    let second = deal.act(&deal.client, path, "request_changes", changes).await;
    assert_eq!((second.status, second.at("/why_not/0/code")), (409, json!("revisions_left")));
    deal.app.stop().await;
}
