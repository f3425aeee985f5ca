//! From held money to a developer's bank, or back to the client.

use assay_kernel::{Code, Permission};
use assay_ledger::AccountKind as K;
use serde_json::json;
use uuid::Uuid;

use super::{AMOUNT, Deal, FEE};

#[tokio::test]
async fn a_release_waits_for_its_day_and_for_the_payee_and_reaches_the_bank() {
    let deal = Deal::start().await;
    deal.fund().await.expect("asked");
    deal.settle().await;
    deal.release(1, AMOUNT, 5).await.expect("released");
    deal.release(1, AMOUNT, 5).await.expect("the same decision is no second release");
    deal.settle().await;
    assert_eq!((deal.held().await, deal.payable().await), ((0, 0, 0), AMOUNT));
    assert_eq!(deal.transfers().await, ["accrued"]);
    deal.days(5).await;
    assert_eq!(deal.transfers().await, ["on_hold"], "nobody knows the payee yet");
    deal.onboard().await;
    assert_eq!((deal.transfers().await, deal.payable().await), (vec!["paid".to_owned()], 0));
    assert_eq!(deal.balance(K::PlatformFee, Uuid::nil()).await, FEE);
    let payouts = deal.app.get("/v1/me/payouts").by(&deal.developer).expect(200).await;
    assert_eq!(payouts.at("/data/0/amount/amount"), AMOUNT);
    deal.days(1).await;
    deal.days(2).await;
    let payouts = deal.app.get("/v1/me/payouts").by(&deal.developer).expect(200).await;
    assert_eq!(payouts.at("/data/0/state"), "paid");
    deal.whole().await;
}

#[tokio::test]
async fn a_refund_before_release_goes_back_whole() {
    let deal = Deal::funded().await;
    deal.float().await;
    deal.refund(1, AMOUNT).await.expect("asked");
    deal.refund(1, AMOUNT).await.expect("the same decision is no second refund");
    assert_eq!(deal.held().await, (0, 0, 0));
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["succeeded"]);
    let refunds = deal.at_stripe("refunds").await;
    assert_eq!((refunds.len(), refunds[0]["amount"].as_i64()), (1, Some(115_000)));
    assert_eq!(deal.refund(2, 1).await.expect_err("nothing is left").code(), Code::InsufficientFunds);
    deal.whole().await;
}

#[tokio::test]
async fn a_refund_after_release_takes_back_what_was_not_sent() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 5).await.expect("released");
    deal.refund_released(2, 40_000).await.expect("taken back");
    deal.settle().await;
    assert_eq!((deal.refunds().await, deal.payable().await), (vec!["succeeded".to_owned()], 60_000));
    deal.days(6).await;
    let transfers = deal.at_stripe("transfers").await;
    assert_eq!((transfers.len(), transfers[0]["amount"].as_i64()), (1, Some(60_000)));
    assert_eq!(deal.balance(K::PlatformFee, Uuid::nil()).await, FEE - 6_000);
    deal.whole().await;
}

#[tokio::test]
async fn a_refund_after_the_transfer_reverses_it_first() {
    let deal = Deal::funded().await;
    deal.float().await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.refund_released(2, AMOUNT).await.expect("taken back");
    deal.settle().await;
    assert_eq!(
        (deal.transfers().await, deal.refunds().await),
        (vec!["returned".to_owned()], vec!["succeeded".to_owned()])
    );
    assert_eq!(deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await, 0);
    assert_eq!(deal.balance(K::PlatformFee, Uuid::nil()).await, 0);
    assert_eq!(deal.balance(K::ClientCredit, deal.organisation().uuid()).await, 0);
    deal.whole().await;
}

#[tokio::test]
async fn a_refused_reversal_is_owed_by_the_developer() {
    let deal = Deal::funded().await;
    deal.days(3).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    deal.days(1).await;
    deal.float().await;
    deal.refund_released(2, AMOUNT).await.expect("taken back");
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["succeeded"]);
    assert_eq!(deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await, AMOUNT);
    deal.whole().await;
}

#[tokio::test]
async fn a_restricted_payee_is_paid_when_they_have_answered() {
    let deal = Deal::funded().await;
    let account = deal.at_stripe("accounts").await[0]["id"].as_str().expect("an account").to_owned();
    deal.order(&format!("/_sandbox/accounts/{account}/restrict"), json!({})).await;
    deal.settle().await;
    let payee = deal.app.get("/v1/me/payee").by(&deal.developer).expect(200).await;
    assert_eq!(payee.text_at("/state"), "restricted");
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["on_hold"]);
    deal.answer_questions().await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.whole().await;
}

/// A restriction that nobody told us of: the hold must end with it all the same.
#[tokio::test]
async fn a_payee_whose_restriction_was_never_told_is_paid_when_it_ends() {
    let deal = Deal::funded().await;
    let account = deal.at_stripe("accounts").await[0]["id"].as_str().expect("an account").to_owned();
    deal.fault(json!({ "kind": "webhook_drop", "prefix": "account", "count": 1 })).await;
    deal.order(&format!("/_sandbox/accounts/{account}/restrict"), json!({})).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["on_hold"]);
    let payee = deal.app.get("/v1/me/payee").by(&deal.developer).expect(200).await;
    assert_eq!(payee.text_at("/state"), "restricted", "the refusal had the account looked at");
    deal.answer_questions().await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.whole().await;
}

/// Two refunds take two transfers back at once: neither counts on what the other is taking.
#[tokio::test]
async fn two_refunds_after_release_take_back_all_of_both_transfers() {
    let deal = Deal::funded().await;
    deal.float().await;
    deal.release(1, 50_000, 0).await.expect("released");
    deal.release(2, 50_000, 0).await.expect("released");
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid", "paid"]);
    deal.refund_released(3, 60_000).await.expect("taken back");
    deal.refund_released(4, 40_000).await.expect("taken back");
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["returned", "returned"]);
    assert_eq!(deal.refunds().await, ["succeeded", "succeeded"]);
    assert_eq!(deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await, 0);
    deal.whole().await;
}

#[tokio::test]
async fn finance_staff_stop_transfers_and_payees_and_let_them_go() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 5).await.expect("released");
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let list = deal.app.get("/v1/transfers?state=accrued").by(&finance).expect(200).await;
    let path = format!("/v1/transfers/{}", list.text_at("/data/0/id"));
    let reason = json!({ "reason": "Looked at for a test." });
    let act = |verb: &str| deal.app.post(&format!("{path}/{verb}")).by(&finance).json(reason.clone());
    act("hold").expect(428).await;
    act("hold").if_match("\"9\"").expect(412).await;
    let held = act("hold").if_match("*").expect(200).await;
    assert_eq!((held.text_at("/state"), held.text_at("/hold")), ("on_hold".into(), "risk".into()));
    deal.days(6).await;
    assert_eq!(deal.transfers().await, ["on_hold"]);
    let payee = format!("/v1/payees/{}", deal.developer.id);
    deal.app
        .post(&format!("{payee}/block"))
        .by(&finance)
        .if_match("*")
        .json(reason.clone())
        .expect(200)
        .await;
    act("release_hold").if_match("*").expect(200).await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["on_hold"], "the payee is blocked");
    deal.app
        .post(&format!("{payee}/unblock"))
        .by(&finance)
        .if_match("*")
        .json(reason.clone())
        .expect(200)
        .await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    act("hold").if_match("*").expect(409).await;
    deal.whole().await;
}

#[tokio::test]
async fn a_refund_that_cannot_be_made_is_paid_from_the_platforms_bank() {
    let deal = Deal::with("card", "pm_card_refundFail").await;
    deal.fund().await.expect("asked");
    deal.float().await;
    deal.refund(1, AMOUNT).await.expect("asked");
    deal.settle().await;
    let app = &deal.app;
    let finance = app.staff("staff-sam", Permission::Finance).await;
    let list = app.get("/v1/refunds").by(&finance).expect(200).await;
    let path = format!("/v1/refunds/{}/pay_out_of_band", list.text_at("/data/0/id"));
    let pay_so_much = |by, amount: i64| {
        let amount = json!({ "amount": amount, "currency": "USD" });
        let reason = "The card is closed; they named an account.";
        let body = json!({ "amount": amount, "reference": "ASSAY REFUND 118", "reason": reason });
        app.post(&path).by(by).if_match("*").json(body)
    };
    let pay = |by| pay_so_much(by, AMOUNT + FEE);
    // The provider has made it: there is nothing to pay.
    pay(&finance).expect(409).await;
    deal.days(2).await;
    assert_eq!((deal.refunds().await, deal.held().await), (vec!["failed".to_owned()], (AMOUNT, 0, FEE)));
    let finance = app.sign_in("staff-sam").await;
    let less = pay_so_much(&finance, AMOUNT).expect(409).await;
    assert!(less.text_at("/detail").contains("no more and no less"), "{less}");
    let key = "out-of-band-1";
    let paid = pay(&finance).key(key).expect(200).await;
    assert_eq!(paid.text_at("/state"), "paid_out_of_band");
    assert_eq!(pay(&finance).key(key).expect(200).await.text, paid.text, "once");
    assert_eq!((deal.held().await, deal.balance(K::Bank, Uuid::nil()).await), ((0, 0, 0), -AMOUNT - FEE));
    assert_eq!(deal.at_stripe("refunds").await.len(), 1);
    deal.whole().await;
}

#[tokio::test]
async fn a_refund_that_comes_back_is_where_it_was_and_is_tried_again() {
    let deal = Deal::with("card", "pm_card_refundFail").await;
    deal.fund().await.expect("asked");
    deal.float().await;
    deal.refund(1, AMOUNT).await.expect("asked");
    deal.settle().await;
    assert_eq!(deal.refunds().await, ["succeeded"]);
    deal.days(2).await;
    assert_eq!((deal.refunds().await, deal.held().await), (vec!["failed".to_owned()], (AMOUNT, 0, FEE)));
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let list = deal.app.get("/v1/refunds?state=failed").by(&finance).expect(200).await;
    let path = format!("/v1/refunds/{}/retry", list.text_at("/data/0/id"));
    let reason = json!({ "reason": "The client named another card." });
    deal.app.post(&path).by(&finance).if_match("*").json(reason).expect(200).await;
    deal.settle().await;
    assert_eq!((deal.refunds().await, deal.held().await), (vec!["succeeded".to_owned()], (0, 0, 0)));
    deal.days(2).await;
    deal.whole().await;
}
