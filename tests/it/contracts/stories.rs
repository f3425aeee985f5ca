//! From the accepted offer to the last milestone.

use serde_json::json;

use super::{active, awarded, drawn_up, signed};
use crate::harness::TestApp;

#[tokio::test]
async fn sign_fund_two_deliver_accept_in_parts() {
    let deal = signed(json!({ "review_days": 7 })).await;
    let app = &deal.app;
    deal.onboard().await;
    assert_eq!(deal.state(&deal.contract).await, "awaiting_funding");
    assert_eq!(deal.state(&deal.project).await, "in_contract");
    let (first, second) = (&deal.milestones[0], &deal.milestones[1]);
    let paying = deal.fund(&[first, second]).await;
    paying.assert_status(200);
    assert_eq!(paying.at("/milestones/0/state"), "funding_pending");
    let again = deal.fund(&[first]).await;
    assert_eq!((again.status, again.code().as_str()), (409, "state_conflict"));
    deal.settle().await;
    assert_eq!(deal.state(&deal.contract).await, "active");
    assert_eq!(deal.state(second).await, "funded");

    app.post(&format!("{first}/start")).by(&deal.developer).expect(200).await;
    let bare = json!({ "evidence": [{ "deliverable_id": deal.see(first).await.at("/deliverables/0/id") }] });
    let lacking = app.post(&format!("{first}/deliver")).by(&deal.developer).json(bare).expect(422).await;
    assert_eq!(lacking.at("/errors/0/pointer"), "/evidence/0/links");
    assert_eq!(lacking.at("/errors/1/pointer"), "/evidence");
    let delivered = deal.deliver(0).await;
    assert_eq!(delivered.text_at("/state"), "delivered");
    assert_eq!(delivered.at("/deliveries/0/evidence/0/commit"), "5e3f8a1c");

    // 60 % of 630,000.
    let importer = delivered.at("/deliverables/0/id");
    let part =
        json!({ "deliverables": [{ "deliverable_id": importer, "note": "Reads all three formats." }] });
    let foreign = deal.act(&deal.developer, first, "accept", part.clone()).await;
    assert_eq!(foreign.status, 403, "{foreign}");
    let accepted = deal.act(&deal.client, first, "accept", part.clone()).await;
    accepted.assert_status(200);
    assert_eq!(accepted.text_at("/state"), "delivered");
    assert_eq!(accepted.at("/released/amount"), 378_000);
    assert_eq!(accepted.at("/decisions/0/kind"), "part_accepted");
    assert_eq!(accepted.at("/decisions/0/client_fee/amount"), 56_700);
    let twice = deal.act(&deal.client, first, "accept", part).await;
    assert_eq!((twice.status, twice.at("/errors/0/code")), (422, json!("not_allowed")));
    deal.assert_whole().await;

    deal.settle_days(3).await;
    let changes = json!({ "reason": "The sums of March differ by two cents." });
    deal.act(&deal.client, first, "request_changes", changes).await.assert_status(200);
    let again = deal.deliver(0).await;
    assert_eq!(again.at("/deliveries/1/evidence").as_array().unwrap().len(), 1, "only what is open");
    let whole = deal.act(&deal.client, first, "accept", json!({})).await;
    assert_eq!(whole.text_at("/state"), "accepted");
    assert_eq!(whole.at("/released/amount"), 630_000);
    assert_eq!(whole.at("/decisions/1/client_fee/amount"), 94_500 - 56_700);
    deal.assert_whole().await;

    // The transfers reach the developer: the first alone does not settle it.
    deal.settle_days(2).await;
    assert_eq!(deal.transfers(&deal.developer).await, ["accrued", "paid"]);
    assert_eq!(deal.state(first).await, "accepted");
    deal.settle_days(3).await;
    assert_eq!(deal.state(first).await, "settled");

    deal.deliver(1).await;
    deal.act(&deal.client, second, "accept", json!({})).await.assert_status(200);
    assert_eq!(deal.state(&deal.contract).await, "completed");
    assert_eq!(deal.state(&deal.project).await, "completed");
    deal.assert_whole().await;
    app.work().await;
    assert_eq!(deal.mails("released: Import").await, 2);
    let kinds = app.kinds(&deal.developer).await;
    for kind in [
        "contract.drawn_up",
        "contract.in_force",
        "milestone.funded",
        "milestone.decided",
        "contract.completed",
    ] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}: {kinds:?}");
    }
    deal.app.stop().await;
}

#[tokio::test]
async fn both_sides_sign_the_same_text_and_the_hash_can_be_recomputed() {
    let deal = drawn_up(json!({})).await;
    let app = &deal.app;
    let text = app.get(&format!("{}/text", deal.contract)).by(&deal.developer).expect(200).await;
    let hash = assay_platform::crypto::sha256(text.text_at("/text").as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let seen = app.get(&deal.contract).by(&deal.developer).expect(200).await;
    assert_eq!(seen.text_at("/content_hash"), hash);
    assert_eq!(seen.at("/terms/milestones/0/client_fee"), 94_500);
    assert_eq!(seen.at("/terms/review_days"), 10);

    let sign = |hash: &str| {
        app.post(&format!("{}/sign", deal.contract)).by(&deal.developer).json(json!({ "content_hash": hash }))
    };
    assert_eq!(sign(&"0".repeat(64)).expect(422).await.at("/errors/0/code"), "inconsistent");
    assert_eq!(sign("short").expect(422).await.at("/errors/0/pointer"), "/content_hash");
    let first = deal.sign(&deal.developer).await;
    assert_eq!((first.status, first.text_at("/state").as_str()), (200, "offer_sent"));
    assert_eq!(deal.sign(&deal.developer).await.at("/why_not/0/code"), "not_signed_by_you");
    let second = deal.sign(&deal.client).await;
    assert_eq!(second.text_at("/state"), "awaiting_funding");
    assert_eq!(second.at("/signatures/1/side"), "client");
    let links = app.dump("identity_chain").await;
    assert_eq!(links.matches("signed").count(), 2, "{links}");
    deal.app.stop().await;
}

#[tokio::test]
async fn signing_needs_a_recent_sign_in() {
    let deal = drawn_up(json!({})).await;
    let hash = deal.see(&deal.contract).await.at("/content_hash");
    deal.app
        .sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes'")
        .await
        .unwrap();
    let sign = deal.app.post(&format!("{}/sign", deal.contract)).by(&deal.client);
    let refused = sign.json(json!({ "content_hash": hash })).expect(403).await;
    assert_eq!(refused.code(), "reauthentication_required");
    deal.app.stop().await;
}

#[tokio::test]
async fn only_the_client_draws_up_once_and_within_the_bounds() {
    let deal = awarded().await;
    let app = &deal.app;
    let path = format!("{}/contract", deal.bid);
    let choices = json!({ "review_days": 15, "revision_limit": 6, "holdback": { "bps": 2_001, "days": 0 } });
    let bad = app.post(&path).by(&deal.client).json(choices).expect(422).await;
    let pointers: Vec<_> =
        bad.at("/errors").as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/review_days", "/revision_limit", "/holdback/bps", "/holdback/days"]);
    let stranger = app.client("claire-client").await;
    app.post(&path).by(&stranger).json(json!({})).expect(404).await;
    let made = app.post(&path).by(&deal.client).json(json!({})).expect(201).await;
    app.post(&path).by(&deal.client).json(json!({})).expect(409).await;
    app.get(&format!("/v1/contracts/{}", made.id())).by(&stranger).expect(404).await;
    let milestone = made.text_at("/milestones/0/id");
    app.get(&format!("/v1/milestones/{milestone}")).by(&stranger).expect(404).await;
    let mine = app.get("/v1/contracts?state=offer_sent").by(&deal.developer).expect(200).await;
    assert_eq!(mine.at("/data/0/total/amount"), 1_080_000);
    deal.app.stop().await;
}

#[tokio::test]
async fn a_contract_given_up_leaves_the_award() {
    let deal = signed(json!({})).await;
    let app = &deal.app;
    let reason = json!({ "reason": "The dates have to be agreed anew." });
    deal.act(&deal.developer, &deal.contract, "cancel", reason).await.assert_status(200);
    assert_eq!(deal.state(&deal.project).await, "awarded");
    assert_eq!(deal.state(&deal.bid).await, "accepted");
    let again =
        app.post(&format!("{}/contract", deal.bid)).by(&deal.client).json(json!({})).expect(201).await;
    assert_ne!(format!("/v1/contracts/{}", again.id()), deal.contract);
    deal.app.stop().await;
}

#[tokio::test]
async fn messages_go_both_ways_and_to_nobody_else() {
    let deal = drawn_up(json!({})).await;
    let app = &deal.app;
    let path = format!("{}/messages", deal.contract);
    let write = |text: &str| json!({ "text": text, "links": ["https://files.example.com/a.zip"] });
    app.post(&path).by(&deal.developer).json(write("One file or two?")).expect(201).await;
    app.post(&path).by(&deal.client).json(write("Two.")).expect(201).await;
    let seen = app.get(&path).by(&deal.developer).expect(200).await;
    assert_eq!(seen.at("/data/0/text"), "Two.");
    assert_eq!(seen.at("/data/1/side"), "developer");
    let bad = json!({ "text": "", "links": ["http://files.example.com/a.zip"] });
    let bad = app.post(&path).by(&deal.client).json(bad).expect(422).await;
    assert_eq!(bad.at("/errors").as_array().unwrap().len(), 2);
    let stranger = app.developer("dev-deniz").await;
    app.get(&path).by(&stranger).expect(404).await;
    app.post(&path).by(&stranger).json(write("Let me in.")).expect(404).await;
    deal.app.stop().await;
}

#[tokio::test]
async fn what_is_held_back_is_freed_by_the_client_or_its_date() {
    for early in [true, false] {
        let deal = active(json!({ "holdback": { "bps": 1_000, "days": 30 } })).await;
        let path = &deal.milestones[0];
        deal.onboard().await;
        deal.deliver(0).await;
        let accepted = deal.act(&deal.client, path, "accept", json!({})).await;
        assert_eq!(accepted.at("/released/amount"), 567_000);
        assert_eq!(accepted.at("/held_back/amount"), 63_000);
        deal.assert_whole().await;
        deal.settle_days(6).await;
        assert_eq!(deal.state(path).await, "released");
        if early {
            deal.app.post(&format!("{path}/free_holdback")).by(&deal.client).expect(200).await;
            let again = deal.app.post(&format!("{path}/free_holdback")).by(&deal.client).expect(409).await;
            assert_eq!(again.at("/why_not/0/code"), "is_held_back");
        } else {
            deal.settle_days(25).await;
        }
        let freed = deal.see(path).await;
        assert_eq!(freed.at("/released/amount"), 630_000);
        assert_eq!(freed.at("/decisions/1/kind"), "holdback_freed");
        assert_eq!(freed.at("/decisions/1/client_fee/amount"), 9_450);
        deal.settle_days(6).await;
        assert_eq!(deal.state(path).await, "settled");
        assert_eq!(deal.transfers(&deal.developer).await, ["paid", "paid"]);
        deal.assert_whole().await;
        deal.app.stop().await;
    }
}

#[tokio::test]
async fn a_payment_that_fails_can_be_tried_again() {
    let deal = signed(json!({})).await;
    let path = &deal.milestones[0];
    let empty = deal.add_method(&deal.client, "bank_debit", "pm_usBankAccount_insufficientFunds").await;
    deal.fund_with(&empty, &[path]).await.assert_status(200);
    deal.settle().await;
    assert_eq!(deal.state(path).await, "funding_pending");
    deal.settle_days(5).await;
    assert_eq!(deal.state(path).await, "planned");
    assert_eq!(deal.state(&deal.contract).await, "awaiting_funding");
    deal.pay(0).await;
    let unknown = deal.fund(&["/v1/milestones/mst_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b"]).await;
    assert_eq!((unknown.status, unknown.at("/errors/0/pointer")), (422, json!("/milestones/0")));
    deal.assert_whole().await;
    deal.app.stop().await;
}

/// What the scores are told of a milestone is how much of it was accepted.
#[tokio::test]
async fn a_part_that_was_accepted_is_so_much_of_an_outcome() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let first =
        json!({ "deliverables": [{ "deliverable_id": deal.see(path).await.at("/deliverables/0/id") }] });
    deal.act(&deal.client, path, "accept", first).await.assert_status(200);
    let asked = json!({ "reason": "The second month does not load at all." });
    deal.act(&deal.client, path, "request_refund", asked).await.assert_status(200);
    deal.act(&deal.developer, path, "grant_refund", json!(null)).await.assert_status(200);
    assert_eq!(deal.app.number("SELECT accepted_bps::bigint AS n FROM delivery_outcomes").await, 6_000);
    deal.app.stop().await;
}

/// Erasure waits for contracts that are not over.
#[tokio::test]
async fn an_open_contract_stands_in_the_way_of_an_erasure() {
    let deal = drawn_up(json!({})).await;
    let app: &TestApp = &deal.app;
    let asked = app.post("/v1/me/erasure").by(&deal.developer).json(json!({})).send().await;
    assert!(asked.text.contains("open_contract"), "{asked}");
    deal.app.stop().await;
}
