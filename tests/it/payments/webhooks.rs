//! The inbox: who is believed, and that telling twice, early, late, in another order or not at all changes nothing.

use assay_adapters::stripe::webhook::sign;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{AMOUNT, Deal, FEE};
use crate::harness::TestApp;

async fn deliver(app: &TestApp, path: &str, body: &str, secrets: &[SecretString], age: i64) -> u16 {
    let at = app.now() - chrono::Duration::seconds(age);
    let call = app.post(path).header("stripe-signature", &sign(body.as_bytes(), secrets, at));
    call.body("application/json", body.to_owned()).send().await.status
}

#[tokio::test]
async fn only_what_a_live_secret_signed_lately_is_believed() {
    let app = TestApp::start_with(&[
        ("stripe.webhook_secrets", "[\"whsec_old\", \"whsec_new\"]"),
        ("stripe.connect_webhook_secrets", "[\"whsec_connect\"]"),
    ])
    .await;
    let secret = |text: &str| SecretString::from(text.to_owned());
    let body = |n: u32| {
        json!({ "id": format!("evt_{n}"), "type": "unheard.of", "data": { "object": { "id": "x_1", "object": "new" } } }).to_string()
    };
    let platform = "/v1/stripe/webhooks";
    assert_eq!(deliver(&app, platform, &body(1), &[secret("whsec_old")], 0).await, 204);
    assert_eq!(
        deliver(&app, platform, &body(2), &[secret("whsec_gone"), secret("whsec_new")], 299).await,
        204
    );
    assert_eq!(deliver(&app, platform, &body(1), &[secret("whsec_old")], 0).await, 204, "told twice");
    assert_eq!(
        deliver(&app, "/v1/stripe/webhooks/connect", &body(3), &[secret("whsec_connect")], 0).await,
        204
    );
    for (path, secrets, age) in [
        (platform, secret("whsec_gone"), 0),
        (platform, secret("whsec_new"), 400),
        (platform, secret("whsec_new"), -400),
        (platform, secret("whsec_connect"), 0),
        ("/v1/stripe/webhooks/connect", secret("whsec_new"), 0),
    ] {
        assert_eq!(deliver(&app, path, &body(9), &[secrets], age).await, 400);
    }
    app.post(platform).body("application/json", body(9)).expect(400).await;
    for junk in ["", "[]", "{}", "{\"id\":7}", "{\"id\":\"evt_x\\u0000\",\"type\":\"x\"}", "\u{feff}{"] {
        assert_eq!(deliver(&app, platform, junk, &[secret("whsec_new")], 0).await, 400, "{junk}");
    }
    app.work().await;
    let kept = app.dump("provider_events").await;
    assert_eq!(kept.lines().count(), 3, "{kept}");
    assert_eq!(kept.matches("ignored").count(), 3, "{kept}");
    app.stop().await;
}

/// statamic-cargo 191: a webhook before our row was answered with 200, and the payment was stuck for ever.
#[tokio::test]
async fn an_event_before_our_row_waits_for_it() {
    let deal = Deal::start().await;
    for prefix in ["payment_intent", "charge"] {
        deal.fault(json!({ "kind": "webhook_early", "prefix": prefix, "count": 5 })).await;
    }
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.after(60).await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    let events = deal.rows("provider_events").await;
    assert!(!events.contains(",new,"), "{events}");
    deal.whole().await;
}

/// pay-rails 371, vendure-plugins 620: three events of one payment at once settled it thrice.
#[tokio::test]
async fn three_events_of_one_payment_at_once_settle_it_once() {
    let deal = Deal::start().await;
    deal.fault(json!({ "kind": "webhook_duplicate", "prefix": "payment_intent", "count": 5 })).await;
    deal.fault(json!({ "kind": "webhook_reorder", "prefix": "charge", "count": 2 })).await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    let intent = deal.at_stripe("payment_intents").await.remove(0);
    let secrets = deal.app.services.providers.stripe_webhooks.platform.clone();
    let told = (0..6).map(|n| {
        let event = json!({ "id": format!("evt_more{n}"), "type": "payment_intent.succeeded", "data": { "object": intent } });
        let (app, secrets) = (&deal.app, secrets.clone());
        async move { deliver(app, "/v1/stripe/webhooks", &event.to_string(), &secrets, 0).await }
    });
    let answers = futures_util::future::join_all(told).await;
    assert!(answers.iter().all(|status| *status == 204));
    // Two workers at once.
    tokio::join!(deal.app.work(), deal.app.work());
    deal.settle().await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    deal.whole().await;
}

#[tokio::test]
async fn events_that_no_webhook_brought_are_swept() {
    let deal = Deal::with("bank_debit", "pm_usBankAccount").await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.fault(json!({ "kind": "webhook_drop", "count": 50 })).await;
    deal.days(5).await;
    assert_eq!(deal.held().await, (0, 0, 0), "nobody told us");
    assay::app::worker::schedule_housekeeping(deal.app.ctx()).await.expect("scheduled");
    deal.settle().await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    let swept: Value = json!(deal.rows("provider_events").await.matches("sweep").count());
    assert!(swept.as_u64() > Some(0));
    deal.whole().await;
}

#[tokio::test]
async fn an_event_of_nothing_that_we_know_is_shown_to_staff_in_the_end() {
    let deal = Deal::start().await;
    let secrets = deal.app.services.providers.stripe_webhooks.platform.clone();
    let event = json!({ "id": "evt_stray", "type": "transfer.created",
        "data": { "object": { "id": "tr_unknown", "object": "transfer" } } });
    assert_eq!(deliver(&deal.app, "/v1/stripe/webhooks", &event.to_string(), &secrets, 0).await, 204);
    deal.settle().await;
    assert!(deal.rows("provider_differences").await.is_empty());
    // Days in which nobody looks are not its fault: what it is about may lie behind it.
    deal.days(5).await;
    assert!(deal.rows("provider_differences").await.is_empty());
    for _ in 0..12 {
        deal.after(3_600).await;
    }
    assert!(deal.rows("provider_differences").await.contains("evt_stray"));
    deal.app.stop().await;
}
