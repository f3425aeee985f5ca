//! Payers' banks take payments back, or suspect fraud.

use assay_kernel::{Code, Permission};
use assay_ledger::AccountKind as K;
use serde_json::json;
use uuid::Uuid;

use super::{AMOUNT, Deal, FEE};

impl Deal {
    async fn dispute(&self) -> String {
        let dispute = self.order("/_sandbox/disputes", json!({ "charge": self.charge().await })).await;
        self.settle().await;
        dispute["id"].as_str().expect("an id").to_owned()
    }

    /// What the platform bears.
    async fn loss(&self) -> i64 {
        self.balance(K::ChargebackLoss, Uuid::nil()).await
    }

    async fn decide(&self, dispute: &str, won: bool) {
        self.order(&format!("/_sandbox/disputes/{dispute}/decide"), json!({ "won": won })).await;
        self.settle().await;
    }
}

#[tokio::test]
async fn a_dispute_freezes_everything_and_evidence_wins_it_back() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 5).await.expect("released");
    deal.dispute().await;
    assert_eq!(deal.held().await, (0, 60_000, FEE - 6_000));
    assert_eq!(deal.transfers().await, ["on_hold"]);
    for refused in
        [deal.release(2, 1_000, 0).await, deal.refund(3, 1_000).await, deal.refund_released(4, 1_000).await]
    {
        assert_eq!(refused.expect_err("nothing moves").code(), Code::StateConflict);
    }
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let list = deal.app.get("/v1/payment_disputes?open=true").by(&finance).expect(200).await;
    let path = format!("/v1/payment_disputes/{}", list.text_at("/data/0/id"));
    let shown = deal.app.get(&path).by(&finance).expect(200).await;
    assert_eq!((shown.at("/amount/amount"), shown.at("/frozen/amount")), (json!(115_000), json!(60_000)));
    let evidence = json!({ "product_description": "An importer.", "service_date": "2026-11-02", "statement": "winning_evidence" });
    let give = || deal.app.post(&format!("{path}/evidence")).by(&finance).json(evidence.clone());
    give().if_match(&shown.etag()).expect(200).await;
    give().if_match("*").expect(409).await;
    deal.settle().await;
    assert_eq!(deal.app.get(&path).by(&finance).expect(200).await.text_at("/outcome"), "won");
    assert_eq!(deal.held().await, (60_000, 0, FEE - 6_000));
    deal.days(6).await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.release(2, 60_000, 0).await.expect("free again");
    deal.settle().await;
    deal.whole().await;
}

#[tokio::test]
async fn a_lost_dispute_takes_what_is_here_and_what_was_not_sent() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 5).await.expect("released");
    let dispute = deal.dispute().await;
    deal.decide(&dispute, false).await;
    assert_eq!((deal.held().await, deal.payable().await), ((0, 0, 0), 0));
    assert_eq!(deal.transfers().await, ["canceled"]);
    // The fee that was earned on the part that is gone.
    assert_eq!(deal.loss().await, 6_000);
    assert_eq!(deal.balance(K::DisputeFee, Uuid::nil()).await, 1_500);
    deal.whole().await;
}

#[tokio::test]
async fn what_a_developer_has_stays_theirs_when_a_dispute_is_lost() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    let dispute = deal.dispute().await;
    deal.decide(&dispute, false).await;
    assert_eq!(deal.transfers().await, ["paid"]);
    assert_eq!(deal.loss().await, AMOUNT + FEE);
    deal.whole().await;
}

/// gumroad 4372: a refund that is under way when the payer's bank takes the payment back.
#[tokio::test]
async fn a_refund_during_a_dispute_does_not_deduct_twice() {
    let deal = Deal::funded().await;
    deal.refund(1, AMOUNT).await.expect("asked");
    // The bank is quicker than our worker.
    deal.order("/_sandbox/disputes", json!({ "charge": deal.charge().await })).await;
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["refused"]);
    assert_eq!(deal.at_stripe("refunds").await.len(), 0);
    let (free, frozen, _) = deal.held().await;
    assert_eq!((free, frozen), (0, AMOUNT), "back, and frozen with the rest");
    let dispute = deal.at_stripe("disputes").await[0]["id"].as_str().expect("an id").to_owned();
    deal.decide(&dispute, false).await;
    assert_eq!(deal.held().await, (0, 0, 0));
    assert_eq!(deal.loss().await, 0);
    assert_eq!(deal.refunds().await, ["charged_back"], "the client has it from the bank");
    deal.whole().await;
}

/// Seed 3536 of the lives: the bank has decided before the provider answers for a refund. What the refund gives back pays
/// for the loss, and is not held as well.
#[tokio::test]
async fn a_lost_dispute_waits_for_the_answer_to_a_refund() {
    let deal = Deal::funded().await;
    deal.fault(json!({ "kind": "error_before", "method": "POST", "prefix": "/v1/refunds", "count": 3 }))
        .await;
    deal.refund(1, AMOUNT).await.expect("asked");
    deal.app.work().await;
    let dispute = deal.dispute().await;
    deal.decide(&dispute, false).await;
    assert_eq!(deal.refunds().await, ["submitted"]);
    assert_eq!(deal.loss().await, 0, "not known yet");
    for _ in 0..6 {
        deal.after(60).await;
    }
    assert_eq!(deal.refunds().await, ["charged_back"]);
    assert_eq!(deal.held().await, (0, 0, 0));
    assert_eq!(deal.loss().await, 0);
    deal.whole().await;
}

/// A refund of 40,000 and its fee was made; the bank then takes `amount` of the payment back for good, and the refund
/// comes back after that.
async fn lost_before_a_refund_came_back(amount: i64) -> Deal {
    let deal = Deal::with("card", "pm_card_refundFail").await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.refund(1, 40_000).await.expect("asked");
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["succeeded"]);
    let order = json!({ "charge": deal.charge().await, "amount": amount });
    let dispute = deal.order("/_sandbox/disputes", order).await;
    deal.settle().await;
    deal.decide(dispute["id"].as_str().expect("an id"), false).await;
    deal
}

#[tokio::test]
async fn a_refund_that_comes_back_after_a_lost_dispute_repays_the_platform() {
    let deal = lost_before_a_refund_came_back(AMOUNT + FEE).await;
    assert_eq!((deal.held().await, deal.loss().await), ((0, 0, 0), 46_000));
    deal.days(2).await;
    assert_eq!((deal.held().await, deal.loss().await), ((0, 0, 0), 0));
    assert_eq!(deal.refunds().await, ["charged_back"]);
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let refund = deal.app.get("/v1/refunds?state=charged_back").by(&finance).expect(200).await;
    assert_eq!(refund.at("/data/0/charged_back/amount"), json!(46_000));
    assert_eq!(refund.at("/data/0/allowed_actions"), json!([]));
    let path = format!("/v1/refunds/{}/retry", refund.text_at("/data/0/id"));
    let reason = json!({ "reason": "The client asks for it." });
    deal.app.post(&path).by(&finance).if_match("*").json(reason).expect(409).await;
    let dispute = deal.app.get("/v1/payment_disputes").by(&finance).expect(200).await;
    assert_eq!(dispute.at("/data/0/loss/amount"), json!(0));
    deal.whole().await;
}

#[tokio::test]
async fn what_a_lost_dispute_did_not_take_of_a_refund_that_came_back_is_held_again() {
    // 69,000 are there; the platform bears 11,000 of 80,000.
    let deal = lost_before_a_refund_came_back(80_000).await;
    assert_eq!((deal.held().await, deal.loss().await), ((0, 0, 0), 11_000));
    deal.days(2).await;
    assert_eq!((deal.held().await, deal.loss().await), ((29_000, 0, 6_000), 0));
    assert_eq!(deal.refunds().await, ["failed"]);
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let refund = deal.app.get("/v1/refunds?state=failed").by(&finance).expect(200).await;
    assert_eq!(refund.at("/data/0/charged_back/amount"), json!(11_000));
    deal.whole().await;
}

#[tokio::test]
async fn credit_for_a_refund_that_was_not_made_pays_for_a_lost_dispute() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 0).await.expect("released");
    deal.settle().await;
    deal.fault(json!({ "kind": "error_before", "method": "POST", "prefix": "/v1/transfers/" })).await;
    deal.refund_released(2, 40_000).await.expect("asked");
    deal.app.work().await;
    let dispute = deal.dispute().await;
    deal.after(60).await;
    let credit = || deal.balance(K::ClientCredit, deal.organisation().uuid());
    assert_eq!((deal.refunds().await, credit().await), (vec!["refused".into()], 46_000));
    deal.decide(&dispute, false).await;
    assert_eq!((deal.refunds().await, credit().await), (vec!["charged_back".into()], 0));
    assert_eq!((deal.held().await, deal.loss().await), ((0, 0, 0), 0));
    deal.whole().await;
}

#[tokio::test]
async fn what_a_developer_gives_back_after_a_lost_dispute_repays_the_platform() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 0).await.expect("released");
    deal.settle().await;
    let dispute = deal.dispute().await;
    deal.decide(&dispute, false).await;
    assert_eq!(deal.loss().await, 46_000);
    deal.refund_released(2, 40_000).await.expect("asked");
    deal.settle().await;
    assert_eq!(
        (deal.transfers().await, deal.refunds().await),
        (vec!["returned".into()], vec!["charged_back".into()])
    );
    assert_eq!(deal.balance(K::ClientCredit, deal.organisation().uuid()).await, 0);
    assert_eq!((deal.loss().await, deal.at_stripe("refunds").await.len()), (0, 0));
    deal.whole().await;
}

/// The developer never had it, and the client has it from the bank.
#[tokio::test]
async fn nobody_owes_what_a_lost_dispute_took_before_it_was_sent() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 5).await.expect("released");
    let dispute = deal.dispute().await;
    deal.decide(&dispute, false).await;
    assert_eq!((deal.transfers().await, deal.loss().await), (vec!["canceled".into()], 6_000));
    deal.refund_released(2, 40_000).await.expect("asked");
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["charged_back"]);
    assert_eq!(deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await, 0);
    assert_eq!(deal.balance(K::ClientCredit, deal.organisation().uuid()).await, 0);
    // The fee that was earned on it is given back, to whom bore it.
    assert_eq!(deal.loss().await, 0);
    deal.whole().await;
}

/// One release is sent and one is not when a refund of the first waits for its reversal; what a lost dispute takes of the
/// second meanwhile is not counted on top of what the reversal brings.
#[tokio::test]
async fn a_reversal_and_what_a_dispute_took_are_not_counted_twice() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 0).await.expect("released");
    deal.settle().await;
    deal.release(2, 30_000, 5).await.expect("released");
    deal.fault(json!({ "kind": "error_before", "method": "POST", "prefix": "/v1/transfers/", "count": 3 }))
        .await;
    deal.refund_released(3, 40_000).await.expect("asked");
    deal.app.work().await;
    let dispute = deal.dispute().await;
    deal.decide(&dispute, false).await;
    assert_eq!(deal.refunds().await, ["taking_back"]);
    for _ in 0..6 {
        deal.after(60).await;
    }
    assert_eq!(deal.refunds().await, ["charged_back"]);
    assert_eq!(deal.balance(K::ClientCredit, deal.organisation().uuid()).await, 0);
    assert_eq!(deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await, 0);
    deal.whole().await;
}

/// The bank is quicker than a reversal that a refund waits for: the client gets no refund beside the bank's.
#[tokio::test]
async fn a_refund_that_waited_for_a_reversal_is_not_asked_for_during_a_dispute() {
    let deal = Deal::funded().await;
    deal.release(1, 40_000, 0).await.expect("released");
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.fault(json!({ "kind": "error_before", "method": "POST", "prefix": "/v1/transfers/" })).await;
    deal.refund_released(2, 40_000).await.expect("asked");
    deal.app.work().await;
    let dispute = deal.dispute().await;
    deal.after(60).await;
    assert_eq!(
        (deal.transfers().await, deal.refunds().await),
        (vec!["returned".into()], vec!["refused".into()])
    );
    assert_eq!(deal.at_stripe("refunds").await.len(), 0);
    assert_eq!(deal.balance(K::ClientCredit, deal.organisation().uuid()).await, 46_000);
    deal.decide(&dispute, true).await;
    // Now it can be asked for.
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let list = deal.app.get("/v1/refunds?state=refused").by(&finance).expect(200).await;
    let path = format!("/v1/refunds/{}/retry", list.text_at("/data/0/id"));
    let reason = json!({ "reason": "The dispute was won." });
    deal.app.post(&path).by(&finance).if_match("*").json(reason).expect(200).await;
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["succeeded"]);
    assert_eq!(deal.balance(K::ClientCredit, deal.organisation().uuid()).await, 0);
    deal.whole().await;
}

#[tokio::test]
async fn a_dispute_told_before_the_payment_waits_for_it() {
    let deal = Deal::with("card", "pm_card_createDispute").await;
    deal.fault(json!({ "kind": "webhook_early", "prefix": "charge.dispute", "count": 5 })).await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.after(120).await;
    assert_eq!(deal.held().await, (0, AMOUNT, FEE));
    deal.whole().await;
}

#[tokio::test]
async fn a_fraud_warning_stops_what_was_not_sent() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 5).await.expect("released");
    deal.order("/_sandbox/early_fraud_warnings", json!({ "charge": deal.charge().await })).await;
    deal.settle().await;
    deal.days(6).await;
    assert_eq!(deal.transfers().await, ["on_hold"]);
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let list = deal.app.get("/v1/transfers?state=on_hold").by(&finance).expect(200).await;
    let path = format!("/v1/transfers/{}/release_hold", list.text_at("/data/0/id"));
    let reason = json!({ "reason": "The client has confirmed the payment." });
    deal.app.post(&path).by(&finance).if_match("*").json(reason).expect(200).await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.whole().await;
}

#[tokio::test]
async fn a_late_failure_of_a_debit_arrives_as_a_dispute() {
    let deal = Deal::with("bank_debit", "pm_usBankAccount_dispute").await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.days(5).await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    deal.days(3).await;
    assert_eq!(deal.held().await, (0, AMOUNT, FEE));
    deal.whole().await;
}
