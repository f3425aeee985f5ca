//! Large acts of staff take two people; the platform pays out what is its own; debts are repaid; papers are waited for.

use assay_kernel::Permission;
use assay_kernel::money::Currency;
use assay_ledger::{AccountKind as K, Event, Held};
use assay_payments::{Funding, Release};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AMOUNT, Deal, FEE, usd};
use crate::harness::{Answer, Person};

impl Deal {
    async fn pay_out(&self, by: &Person, amount: i64) -> Answer {
        let wanted =
            json!({ "amount": { "amount": amount, "currency": "USD" }, "reason": "Fees of October." });
        self.app.post("/v1/platform_payouts").by(by).json(wanted).send().await
    }

    async fn newest_payout(&self, by: &Person) -> Value {
        self.app.get("/v1/platform_payouts").by(by).expect(200).await.at("/data/0")
    }

    /// The platform earns so much at once, in the books only.
    async fn earn(&self, fee: i64) {
        let (milestone, id) = (Uuid::from_u128(0x77), Uuid::from_u128(0x78));
        let provider = "txn_earned".to_owned();
        let funded = Event::Funded { provider, milestone, amount: usd(1), fee: usd(fee) };
        let release = Event::Release {
            id,
            milestone,
            developer: self.developer_id().uuid(),
            held: Held::Free,
            amount: usd(1),
            developer_fee: usd(0),
            client_fee: usd(fee),
        };
        for event in [funded, release] {
            assay_ledger::post(self.app.ctx(), &event, None).await.expect("posted");
        }
    }
}

#[tokio::test]
async fn the_platform_pays_out_its_own_money_and_no_more() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    // What is held or owed is not the platform's; the provider's fee is spent.
    let spent = deal.balance(K::StripeFee, Uuid::nil()).await;
    let own = FEE - spent;
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let over = deal.pay_out(&finance, own + 1).await;
    assert_eq!((over.status, over.code().as_str()), (409, "insufficient_funds"), "{over}");
    assert_eq!(deal.pay_out(&finance, 0).await.status, 422);
    deal.days(3).await;
    let finance = deal.app.sign_in("staff-sam").await;
    let first = deal.pay_out(&finance, own - 1_000).await;
    assert_eq!((first.status, first.text_at("/state").as_str()), (201, "pending"), "{first}");
    let second = deal.pay_out(&finance, 1_001).await;
    assert_eq!(second.code(), "insufficient_funds", "what is on its way is spent");
    deal.settle().await;
    assert_eq!(deal.balance(K::Bank, Uuid::nil()).await, own - 1_000);
    assert_eq!(deal.at_stripe("payouts").await.len(), 1);
    deal.days(1).await;
    deal.days(1).await;
    assert_eq!(deal.newest_payout(&finance).await["state"], "paid");
    deal.whole().await;
}

#[tokio::test]
async fn a_payout_that_the_bank_returns_is_the_platforms_again() {
    let deal = Deal::funded().await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    deal.days(3).await;
    deal.order("/_sandbox/settings", json!({ "payout_failure": "account_closed" })).await;
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let made = deal.pay_out(&finance, 5_000).await;
    made.assert_status(201);
    deal.settle().await;
    deal.days(1).await;
    deal.days(1).await;
    assert_eq!(deal.newest_payout(&finance).await["state"], "failed");
    assert_eq!(deal.newest_payout(&finance).await["failure"], "account_closed");
    assert_eq!(deal.balance(K::Bank, Uuid::nil()).await, 0);
    deal.whole().await;
}

#[tokio::test]
async fn a_large_payout_waits_for_another_person() {
    let deal = Deal::funded().await;
    deal.earn(1_200_000).await;
    let app = &deal.app;
    let first = app.staff("staff-sam", Permission::Finance).await;
    let second = app.staff("staff-umar", Permission::Finance).await;
    let asked = deal.pay_out(&first, 500_000).await;
    assert_eq!((asked.status, asked.text_at("/state").as_str()), (201, "awaiting_approval"), "{asked}");
    let list = app.get("/v1/money_approvals?state=pending").by(&second).expect(200).await;
    let path = format!("/v1/money_approvals/{}", list.text_at("/data/0/id"));
    assert_eq!(list.at("/data/0/allowed_actions"), json!(["confirm", "refuse"]));
    let reason = json!({ "reason": "Looked through the fees of October." });
    let answer = |by, verb: &str| app.post(&format!("{path}/{verb}")).by(by).json(reason.clone());
    answer(&second, "confirm").expect(428).await;
    answer(&second, "confirm").if_match("\"9\"").expect(412).await;
    let own = answer(&first, "confirm").if_match("*").expect(409).await;
    assert_eq!(own.at("/why_not/0/code"), "another_person");
    assert_eq!(deal.balance(K::Bank, Uuid::nil()).await, 0);
    let refused = answer(&second, "refuse").if_match("*").expect(200).await;
    assert_eq!(refused.text_at("/state"), "refused");
    assert_eq!(deal.newest_payout(&first).await["state"], "refused");
    answer(&second, "confirm").if_match("*").expect(409).await;

    deal.pay_out(&first, 500_000).await.assert_status(201);
    let list = app.get("/v1/money_approvals?state=pending").by(&second).expect(200).await;
    let path = format!("/v1/money_approvals/{}", list.text_at("/data/0/id"));
    let confirm = app.post(&format!("{path}/confirm")).by(&second).if_match("*");
    assert_eq!(confirm.json(reason).expect(200).await.text_at("/state"), "carried_out");
    assert_eq!(deal.newest_payout(&first).await["state"], "pending");
    assert_eq!(deal.balance(K::Bank, Uuid::nil()).await, 500_000);

    // A third waits, and nobody answers.
    deal.pay_out(&first, 500_000).await.assert_status(201);
    deal.days(4).await;
    let first = app.sign_in("staff-sam").await;
    assert_eq!(deal.newest_payout(&first).await["state"], "refused");
    let log = deal.rows("audit_log").await;
    for action in ["money_approval.ask", "money_approval.confirm", "money_approval.refuse"] {
        assert!(log.contains(action), "{action}");
    }
    deal.app.stop().await;
}

#[tokio::test]
async fn a_large_transfer_that_was_held_goes_on_when_two_people_say_so() {
    let deal = Deal::start().await;
    let app = &deal.app;
    let ctx = app.ctx();
    let funding = Funding {
        milestone: deal.milestone,
        contract: deal.contract,
        organisation: deal.organisation(),
        amount: usd(600_000),
        fee: usd(90_000),
        method: super::parsed(&deal.method),
    };
    ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await).await.expect("asked");
    deal.settle().await;
    deal.onboard().await;
    deal.release(1, 600_000, 5).await.expect("released");
    let first = app.staff("staff-sam", Permission::Finance).await;
    let second = app.staff("staff-umar", Permission::Finance).await;
    let list = app.get("/v1/transfers?state=accrued").by(&first).expect(200).await;
    let path = format!("/v1/transfers/{}", list.text_at("/data/0/id"));
    let reason = json!({ "reason": "Looked at for a test." });
    let act = |path: String, by| app.post(&path).by(by).if_match("*").json(reason.clone());
    act(format!("{path}/hold"), &first).expect(200).await;
    let waits = act(format!("{path}/release_hold"), &first).expect(202).await;
    assert_eq!(
        (waits.text_at("/act"), waits.text_at("/state")),
        ("transfer_release".into(), "pending".into())
    );
    assert_eq!(deal.transfers().await, ["on_hold"]);
    assert_eq!(act(format!("{path}/release_hold"), &second).expect(409).await.code(), "state_conflict");
    let approval = format!("/v1/money_approvals/{}/confirm", waits.id());
    assert_eq!(act(approval.clone(), &first).expect(409).await.at("/why_not/0/code"), "another_person");
    act(approval, &second).expect(200).await;
    assert_eq!(deal.transfers().await, ["accrued"]);
    deal.days(6).await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.whole().await;
}

#[tokio::test]
async fn transfers_wait_for_tax_papers() {
    let deal = Deal::funded().await;
    let app = &deal.app;
    let finance = app.staff("staff-sam", Permission::Finance).await;
    let payee = format!("/v1/payees/{}", deal.developer.id);
    let reason = json!({ "reason": "The form W-8BEN is missing." });
    let act =
        |verb: &str| app.post(&format!("{payee}/{verb}")).by(&finance).if_match("*").json(reason.clone());
    assert_eq!(act("clear_tax_hold").expect(409).await.at("/why_not/0/code"), "tax_hold");
    let held = act("hold_for_tax").expect(200).await;
    assert_eq!((held.text_at("/state").as_str(), held.at("/tax_hold")), ("active", reason["reason"].clone()));
    assert_eq!(act("hold_for_tax").expect(409).await.at("/why_not/0/code"), "no_tax_hold");
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    let transfers = app.get("/v1/me/transfers").by(&deal.developer).expect(200).await;
    assert_eq!(
        (transfers.text_at("/data/0/state"), transfers.text_at("/data/0/hold")),
        ("on_hold".into(), "tax".into())
    );
    // Letting the one transfer go does not bring the papers.
    let release = format!("/v1/transfers/{}/release_hold", transfers.text_at("/data/0/id"));
    app.post(&release).by(&finance).if_match("*").json(reason.clone()).expect(200).await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["on_hold"]);
    act("clear_tax_hold").expect(200).await;
    deal.settle().await;
    assert_eq!(deal.transfers().await, ["paid"]);
    deal.whole().await;
}

#[tokio::test]
async fn a_later_release_repays_what_the_developer_owes_first() {
    let deal = Deal::funded().await;
    deal.days(3).await;
    deal.release(1, AMOUNT, 0).await.expect("released");
    deal.settle().await;
    deal.days(1).await;
    // The money of another milestone; the reversal of the first is refused.
    deal.float().await;
    deal.refund_released(2, AMOUNT).await.expect("taken back");
    deal.settle().await;
    let owed = async || deal.balance(K::DeveloperReceivable, deal.developer_id().uuid()).await;
    assert_eq!(owed().await, AMOUNT);
    let release = |decision: u128, amount: i64| Release {
        decision: Uuid::from_u128(decision),
        milestone: Uuid::from_u128(0x99),
        contract: deal.contract,
        developer: deal.developer_id(),
        held: Held::Free,
        amount: usd(amount),
        developer_fee: usd(0),
        client_fee: usd(0),
        payable_from: deal.app.now(),
    };
    let ctx = deal.app.ctx();
    for (decision, amount) in [(3, 40_000), (4, 60_000)] {
        let release = release(decision, amount);
        ctx.db
            .tx(async |conn| assay_payments::release_in(ctx, conn, &release).await)
            .await
            .expect("released");
    }
    deal.settle().await;
    assert_eq!(owed().await, 0);
    let list = deal.app.get("/v1/me/transfers").by(&deal.developer).expect(200).await;
    assert_eq!(list.at("/data/0/repaid/amount"), 60_000);
    assert_eq!((list.at("/data/0/amount/amount"), list.text_at("/data/0/state")), (json!(0), "paid".into()));
    assert_eq!(list.at("/data/1/repaid/amount"), 40_000);
    assert_eq!(deal.at_stripe("transfers").await.len(), 1, "nothing was left to send");
    let statement = deal.rows("ledger_transactions").await;
    assert_eq!(statement.matches("repaid:").count(), 2);
    let own =
        ctx.db.read(async |conn| assay_ledger::own_money(conn, Currency::USD).await).await.expect("a sum");
    assert!(own.amount < 0, "the provider's fees, and no fee earned: {own}");
    deal.whole().await;
}
