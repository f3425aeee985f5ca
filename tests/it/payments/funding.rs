//! From a method to held money.

use assay_kernel::{Code, Permission};
use assay_ledger::AccountKind as K;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AMOUNT, Deal, FEE};

#[tokio::test]
async fn a_card_pays_for_a_milestone_and_the_money_is_held_once() {
    let deal = Deal::start().await;
    let id = deal.fund().await.expect("asked");
    let shown = async || deal.app.get(&format!("/v1/payments/{id}")).by(&deal.client).expect(200).await;
    assert_eq!(shown().await.text_at("/state"), "pending");
    assert_eq!(deal.held().await, (0, 0, 0), "nothing is held before it is here");
    assert_eq!(deal.fund().await.expect_err("one at a time").code(), Code::StateConflict);
    deal.settle().await;
    assert_eq!(shown().await.text_at("/state"), "succeeded");
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    let fee = (115_000 * 29 + 500) / 1_000 + 30;
    assert_eq!(deal.balance(K::StripeFee, Uuid::nil()).await, fee);
    assert_eq!(deal.balance(K::StripePlatform, Uuid::nil()).await, 115_000 - fee);
    assert_eq!(deal.fund().await.expect_err("it is funded").code(), Code::StateConflict);
    deal.app.get(&format!("/v1/payments/{id}")).by(&deal.developer).expect(404).await;
    deal.whole().await;
}

#[tokio::test]
async fn methods_belong_to_their_organisation_and_can_be_taken_away() {
    let deal = Deal::start().await;
    let path = format!("/v1/organisations/{}/payment_methods", deal.client.organisation());
    let app = &deal.app;
    let listed = app.get(&path).by(&deal.client).expect(200).await;
    assert_eq!(listed.at("/data/0/id"), deal.method);
    app.get(&path).by(&deal.developer).expect(404).await;
    let refused = app.post(&path).by(&deal.client);
    let refused = refused
        .json(json!({ "kind": "card", "payment_method": "pm_card_visa_chargeDeclined" }))
        .expect(409)
        .await;
    assert_eq!(refused.code(), "guard_failed");
    let bad = json!({ "kind": "card", "payment_method": "4242424242424242" });
    app.post(&path).by(&deal.client).json(bad).expect(422).await;
    // Without a method the browser goes on with the secret, which is kept nowhere.
    let begun = app.post(&path).by(&deal.client).json(json!({ "kind": "bank_debit" })).expect(201).await;
    assert_eq!(begun.text_at("/state"), "setting_up");
    let secret = begun.text_at("/client_secret");
    deal.settle().await;
    for table in app.tables().await {
        assert!(!app.dump(&table).await.contains(&secret), "{table} holds the secret");
    }
    let gone = format!("/v1/payment_methods/{}", deal.method);
    app.delete(&gone).by(&deal.developer).if_match("*").expect(403).await;
    app.delete(&gone).by(&deal.client).if_match("\"1\"").expect(412).await;
    app.delete(&gone).by(&deal.client).if_match("*").expect(204).await;
    assert_eq!(deal.fund().await.expect_err("the method is gone").code(), Code::GuardFailed);
    deal.whole().await;
}

#[tokio::test]
async fn a_bank_debit_holds_nothing_until_it_settles() {
    let deal = Deal::with("bank_debit", "pm_usBankAccount").await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    assert!(deal.rows("payments").await.contains("processing"));
    assert_eq!(deal.held().await, (0, 0, 0));
    deal.days(5).await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    deal.whole().await;
}

#[tokio::test]
async fn a_returned_debit_fails_and_another_payment_can_be_made() {
    let deal = Deal::with("bank_debit", "pm_usBankAccount_insufficientFunds").await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.days(5).await;
    let payments = deal.rows("payments").await;
    assert!(payments.contains("failed") && payments.contains("insufficient_funds"), "{payments}");
    assert_eq!(deal.held().await, (0, 0, 0));
    deal.fund().await.expect("a new payment under a new key");
    deal.settle().await;
    deal.whole().await;
}

/// medusa 13301: the browser's confirmation and the webhook tell of the same success.
#[tokio::test]
async fn browser_confirm_races_the_webhook() {
    let deal = Deal::with("card", "pm_card_authenticationRequired").await;
    let id = deal.fund().await.expect("asked");
    deal.settle().await;
    let path = format!("/v1/payments/{id}/client_secret");
    let secret = deal.app.post(&path).by(&deal.client).expect(200).await.text_at("/client_secret");
    deal.app.post(&path).by(&deal.developer).expect(403).await;
    let intent = secret.split("_secret_").next().expect("an id").to_owned();
    deal.fault(json!({ "kind": "webhook_duplicate", "count": 10 })).await;
    let page = deal.app.stripe.base_url().join(&format!("/authenticate/{intent}?complete")).expect("a URL");
    let (_, ()) = tokio::join!(deal.app.http.get(page).send(), deal.settle());
    deal.settle().await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    deal.app.post(&path).by(&deal.client).expect(409).await;
    deal.whole().await;
}

/// Seed 966 of the lives: a refund's answer came after the comparison that missed it.
#[tokio::test]
async fn what_comes_late_at_the_provider_explains_itself() {
    let deal = Deal::funded().await;
    let compare = async || {
        deal.days(3).await;
        assay::app::worker::schedule_housekeeping(deal.app.ctx()).await.expect("scheduled");
        deal.settle().await;
        deal.rows("(SELECT kind, reason FROM provider_differences WHERE kind = 'not_at_provider')").await
    };
    assert_eq!(compare().await, "");
    deal.app
        .figures("CREATE TABLE late AS TABLE provider_transactions; DELETE FROM provider_transactions")
        .await;
    assert_eq!(compare().await, "(not_at_provider,)");
    deal.app.figures("INSERT INTO provider_transactions TABLE late; DROP TABLE late").await;
    assert_eq!(compare().await, "(not_at_provider,\"found since\")");
    deal.app.stop().await;
}

#[tokio::test]
async fn finance_staff_see_what_differs_and_explain_it() {
    let deal = Deal::funded().await;
    // Money that no request of ours moved.
    let config = deal.app.stripe.client_config();
    let key = secrecy::ExposeSecret::expose_secret(&config.secret_key).to_owned();
    let url = deal.app.stripe.base_url().join("/v1/refunds").expect("a URL");
    let body = format!("charge={}&amount=700", deal.charge().await);
    let by_hand = deal.app.http.post(url).bearer_auth(key).header("idempotency-key", "by-hand").body(body);
    assert_eq!(by_hand.send().await.expect("an answer").status(), 200);
    for _ in 0..2 {
        deal.after(7_200).await;
        assay::app::worker::schedule_housekeeping(deal.app.ctx()).await.expect("scheduled");
        deal.settle().await;
    }
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let list = deal.app.get("/v1/provider_differences?open=true").by(&finance).expect(200).await;
    let found: Value = list.at("/data/0");
    assert_eq!((found["kind"].as_str(), found["found"].as_i64()), (Some("not_booked"), Some(-700)));
    let path = format!("/v1/provider_differences/{}/resolve", found["id"].as_str().expect("an id"));
    let reason = json!({ "reason": "A refund by hand for a test." });
    deal.app.post(&path).by(&finance).if_match("\"1\"").json(reason).expect(200).await;
    let list = deal.app.get("/v1/provider_differences?open=true").by(&finance).expect(200).await;
    assert_eq!(list.at("/data"), json!([]));
    deal.app.stop().await;
}
