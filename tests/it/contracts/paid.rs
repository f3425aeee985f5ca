//! From the signature to the bank.

use serde_json::json;

use super::{active, signed};

#[tokio::test]
async fn a_milestone_is_paid_from_the_clients_card_to_the_developers_bank() {
    let deal = signed(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    deal.onboard().await;
    let funding = deal.fund(&[path]).await;
    assert_eq!(funding.at("/milestones/0/state"), "funding_pending");
    deal.settle().await;
    assert_eq!(deal.state(path).await, "funded");
    assert_eq!(deal.state(&deal.contract).await, "active");
    let payments = format!("/v1/organisations/{}/payments", deal.client.organisation());
    let payment = app.get(&payments).by(&deal.client).expect(200).await.at("/data/0");
    assert_eq!((&payment["amount"]["amount"], &payment["fee"]["amount"]), (&json!(630_000), &json!(94_500)));
    deal.assert_whole().await;

    deal.deliver(0).await;
    let accepted = deal.act(&deal.client, path, "accept", json!({})).await;
    assert_eq!(accepted.text_at("/state"), "accepted");
    assert_eq!(accepted.at("/released/amount"), 630_000);
    deal.settle_days(4).await;
    assert_eq!(deal.state(path).await, "accepted", "five days are kept against chargebacks");
    deal.assert_whole().await;

    deal.settle_days(1).await;
    assert_eq!(deal.state(path).await, "settled");
    let transfers = app.get("/v1/me/transfers").by(&deal.developer).expect(200).await;
    assert_eq!(transfers.at("/data/0/amount/amount"), 630_000);
    assert_eq!(transfers.text_at("/data/0/state"), "paid");
    for _ in 0..2 {
        deal.settle_days(2).await;
    }
    let payouts = app.get("/v1/me/payouts").by(&deal.developer).expect(200).await;
    assert_eq!(payouts.at("/data/0/amount/amount"), 630_000);
    assert_eq!(payouts.text_at("/data/0/state"), "paid");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn what_moves_money_wants_a_key_and_is_done_once() {
    let deal = signed(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    let milestone = path.rsplit('/').next().unwrap();
    let body = json!({ "milestones": [milestone], "payment_method_id": deal.client.method() });
    let fund = || app.post(&format!("{}/fund", deal.contract)).by(&deal.client);
    let bare = fund().json(body.clone()).without_key().expect(400).await;
    assert_eq!(bare.code(), "idempotency_key_required");
    let first = fund().json(body.clone()).key("fund-1").expect(200).await;
    let again = fund().json(body.clone()).key("fund-1").expect(200).await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
    let other = json!({ "milestones": [milestone, milestone], "payment_method_id": deal.client.method() });
    assert_eq!(fund().json(other).key("fund-1").expect(422).await.code(), "idempotency_key_reused");
    fund().json(body).key("fund-2").expect(409).await;
    deal.settle().await;
    assert_eq!(app.at_stripe("payment_intents").await.len(), 1);

    deal.deliver(0).await;
    let seen = deal.see(path).await;
    let accept = || deal.app.post(&format!("{path}/accept")).by(&deal.client).if_match(&seen.etag());
    let bare = accept().json(json!({})).without_key().expect(400).await;
    assert_eq!(bare.code(), "idempotency_key_required");
    accept().json(json!({})).key("accept-1").expect(200).await;
    let again = accept().json(json!({})).key("accept-1").expect(200).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(deal.see(path).await.at("/decisions").as_array().unwrap().len(), 1);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn two_keys_are_no_two_refunds() {
    let deal = active(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    deal.float(&deal.client).await;
    let ask = json!({ "reason": "The importer is not needed any more." });
    app.post(&format!("{path}/request_refund")).by(&deal.client).json(ask).expect(200).await;
    let grant = |key: &'static str| {
        app.post(&format!("{path}/grant_refund")).by(&deal.developer).if_match("*").key(key)
    };
    let (one, other) = futures_util::join!(grant("grant-1").send(), grant("grant-2").send());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    deal.settle().await;
    assert_eq!(app.at_stripe("refunds").await.len(), 1);
    deal.assert_whole().await;
    deal.app.stop().await;
}
