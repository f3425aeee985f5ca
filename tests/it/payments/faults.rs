//! The provider and we fail in every way known: each ends with one effect. Named after where others failed.

use std::time::Duration;

use assay_kernel::Code;
use assay_ledger::AccountKind as K;
use serde_json::json;

use super::{AMOUNT, Deal, FEE};

impl Deal {
    /// Released, to be sent now, and tried for hours.
    async fn release_and_try(&self) {
        self.release(1, AMOUNT, 0).await.expect("released");
        self.settle().await;
        for _ in 0..3 {
            self.after(3_600).await;
        }
    }

    async fn assert_one_transfer(&self) {
        let made = self.at_stripe("transfers").await;
        assert_eq!((made.len(), made[0]["amount"].as_i64()), (1, Some(AMOUNT)), "{made:?}");
        assert_eq!((self.transfers().await, self.payable().await), (vec!["paid".to_owned()], 0));
    }
}

#[tokio::test]
async fn whatever_the_answer_is_a_transfer_is_made_once() {
    for (kind, count) in [
        ("error_before", 3),
        ("error_after", 2),
        ("lost_answer", 1),
        ("rate_limited", 3),
        ("key_in_use", 2),
        ("stored_error", 1),
        ("stored_error_after", 1),
    ] {
        let deal = Deal::funded().await;
        deal.fault(json!({ "kind": kind, "method": "POST", "prefix": "/v1/transfers", "count": count }))
            .await;
        deal.fault(json!({ "kind": "webhook_drop", "prefix": "transfer.", "count": 20 })).await;
        deal.release_and_try().await;
        deal.assert_one_transfer().await;
        deal.whole().await;
    }
}

#[tokio::test]
async fn whatever_the_answer_is_a_payment_is_made_once() {
    for kind in ["error_before", "error_after", "lost_answer", "stored_error_after"] {
        let deal = Deal::start().await;
        deal.fault(json!({ "kind": kind, "method": "POST", "prefix": "/v1/payment_intents" })).await;
        deal.fault(json!({ "kind": "webhook_drop", "count": 20 })).await;
        deal.fund().await.expect("asked");
        deal.settle().await;
        for _ in 0..2 {
            deal.after(1_800).await;
        }
        assert_eq!(deal.held().await, (AMOUNT, 0, FEE), "{kind}");
        assert_eq!(deal.at_stripe("charges").await.len(), 1, "{kind}");
        deal.whole().await;
    }
}

/// elizaOS 11022: the key of a transfer that was refused, and compensated, was used again: paid twice.
#[tokio::test]
async fn the_key_of_a_refused_transfer_is_never_used_again() {
    let deal = Deal::funded().await;
    let account = deal.at_stripe("accounts").await[0]["id"].as_str().expect("an account").to_owned();
    deal.fault(json!({ "kind": "webhook_drop", "prefix": "account", "count": 1 })).await;
    deal.order(&format!("/_sandbox/accounts/{account}/restrict"), json!({})).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    assert_eq!((deal.transfers().await, deal.payable().await), (vec!["on_hold".to_owned()], AMOUNT));
    // The provider's word is late: we hear of the restriction, then of its end.
    deal.app.post("/v1/me/payee/refresh").by(&deal.developer).expect(200).await;
    deal.answer_questions().await;
    deal.settle().await;
    deal.assert_one_transfer().await;
    let commands = deal.rows("provider_commands").await;
    assert!(commands.contains("insufficient_capabilities_for_transfer"), "{commands}");
    assert_eq!(deal.asked("POST /v1/transfers").await, 2, "two keys, each sent once");
    deal.whole().await;
}

/// spree 14500: the answer was lost, and the key had expired when it was sent again.
#[tokio::test]
async fn a_lost_answer_is_looked_for_once_its_key_is_too_old() {
    let deal = Deal::funded().await;
    deal.fault(json!({ "kind": "lost_answer", "method": "POST", "prefix": "/v1/transfers" })).await;
    deal.fault(json!({ "kind": "webhook_drop", "prefix": "transfer.", "count": 20 })).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    // Until the answer is lost, and no further.
    deal.app.work().await;
    assert_eq!(deal.asked("POST /v1/transfers").await, 1);
    deal.days(2).await;
    deal.after(1_200).await;
    assert_eq!(deal.asked("POST /v1/transfers").await, 1, "looked for, not sent again");
    deal.assert_one_transfer().await;
    deal.whole().await;
}

/// liberapay 1533: one key, two amounts. The bytes are kept, so what changes meanwhile changes nothing.
#[tokio::test]
async fn a_key_has_one_body_for_ever() {
    let deal = Deal::funded().await;
    deal.fault(json!({ "kind": "error_after", "method": "POST", "prefix": "/v1/transfers" })).await;
    deal.fault(json!({ "kind": "webhook_drop", "prefix": "transfer.", "count": 20 })).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.app.work().await;
    // While the outcome is unknown, part of it is to be given back.
    deal.refund_released(2, 40_000).await.expect("asked");
    deal.app.work().await;
    assert_eq!(deal.refunds().await, ["taking_back"], "it waits for what was sent");
    deal.fault(json!({ "kind": "error_before", "prefix": "/v1/payouts", "count": 9 })).await;
    deal.after(60).await;
    deal.after(60).await;
    assert_eq!(deal.refunds().await, ["succeeded"]);
    let made = deal.at_stripe("transfers").await;
    assert_eq!(made.len(), 1);
    let reversed = made[0]["amount_reversed"].as_i64().expect("an amount");
    let owed = deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await;
    assert_eq!((made[0]["amount"].as_i64(), reversed + owed), (Some(AMOUNT), 40_000));
    deal.whole().await;
}

/// gumroad 7723: only the first page of a list was looked at.
#[tokio::test]
async fn what_was_made_is_found_behind_the_first_page() {
    let deal = Deal::funded().await;
    deal.fault(json!({ "kind": "stored_error_after", "method": "POST", "prefix": "/v1/transfers" })).await;
    deal.fault(json!({ "kind": "webhook_drop", "prefix": "transfer.", "count": 500 })).await;
    deal.release(1, 50_000, 0).await.expect("released");
    deal.app.work().await;
    let transfer = deal.at_stripe("transfers").await.remove(0);
    let config = deal.app.stripe.client_config();
    let key = secrecy::ExposeSecret::expose_secret(&config.secret_key).to_owned();
    let url = deal.app.stripe.base_url().join("/v1/transfers").expect("a URL");
    for n in 0..130 {
        let text = |name: &str| transfer[name].as_str().expect("a text").to_owned();
        let body = format!(
            "amount=1&currency=usd&destination={}&source_transaction={}&transfer_group={}",
            text("destination"),
            text("source_transaction"),
            text("transfer_group")
        );
        let made =
            deal.app.http.post(url.clone()).bearer_auth(&key).header("idempotency-key", format!("n{n}"));
        assert_eq!(made.body(body).send().await.expect("an answer").status(), 200);
    }
    for _ in 0..4 {
        deal.after(900).await;
    }
    assert_eq!(deal.transfers().await, ["paid"]);
    assert!(deal.rows("transfers").await.contains(transfer["id"].as_str().expect("an id")));
    assert_eq!(deal.asked("POST /v1/transfers").await, 132, "ours twice, under one key, and no other");
    deal.app.stop().await;
}

/// elizaOS 11116: approved and rejected at once, both sides were paid.
#[tokio::test]
async fn a_release_and_a_refund_at_once_pay_one_side() {
    let deal = Deal::funded().await;
    deal.float().await;
    let (released, refunded) = tokio::join!(deal.release(1, AMOUNT, 0), deal.refund(2, AMOUNT));
    let refused = [released.err(), refunded.err()];
    let codes: Vec<Code> = refused.iter().flatten().map(assay_kernel::Error::code).collect();
    assert_eq!(codes, [Code::InsufficientFunds], "one of the two");
    deal.settle().await;
    let moved = deal.at_stripe("transfers").await.len() + deal.at_stripe("refunds").await.len();
    assert_eq!((moved, deal.held().await), (1, (0, 0, 0)));
    deal.whole().await;
}

/// stripe-node 936: a transfer before the payment's funds are available.
#[tokio::test]
async fn a_transfer_is_made_before_the_funds_are_available() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    deal.assert_one_transfer().await;
    let payouts = deal.app.get("/v1/me/payouts").by(&deal.developer).expect(200).await;
    assert_eq!(payouts.at("/data"), json!([]), "but not paid out yet");
    deal.days(3).await;
    let payouts = deal.app.get("/v1/me/payouts").by(&deal.developer).expect(200).await;
    assert_eq!(payouts.at("/data/0/amount/amount"), AMOUNT);
    deal.whole().await;
}

/// The worker is killed after the request was sent and before its end is written.
#[tokio::test]
async fn a_worker_killed_between_sending_and_writing_leaves_one_effect() {
    let deal = Deal::funded().await;
    let slow = json!({ "kind": "slow", "method": "POST", "prefix": "/v1/transfers", "millis": 4_000 });
    deal.fault(slow).await;
    deal.fault(json!({ "kind": "webhook_drop", "prefix": "transfer.", "count": 20 })).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    let killed = tokio::time::timeout(Duration::from_millis(2_500), deal.app.work()).await;
    assert!(killed.is_err(), "it was not done yet");
    assert_eq!(deal.transfers().await, ["submitted"]);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    deal.after(120).await;
    deal.assert_one_transfer().await;
    deal.whole().await;
}
