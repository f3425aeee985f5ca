//! Payments: stories over HTTP and the door, against the sandbox Stripe, with faults. Every story ends with whole books.

mod breaches;
mod disputes;
mod faults;
mod funding;
mod killed;
mod paying;
mod restore;
mod second_person;
mod simulation;
mod webhooks;

use assay::app::worker;
use assay_kernel::ids::{AccountId, Id, Kind, OrganisationId, PaymentId};
use assay_kernel::money::Currency;
use assay_kernel::{Money, Result};
use assay_ledger::{AccountKind as K, AccountRef, Held};
use assay_payments::{Funding, Refund, Release, ReversedRefund};
use serde_json::Value;
use std::ops::Deref;
use std::time::Duration;
use uuid::Uuid;

use crate::harness::{Person, TestApp};

/// What is held, and the client's fee on it.
const AMOUNT: i64 = 100_000;
const FEE: i64 = 15_000;

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

fn parsed<T: Kind>(id: &str) -> Id<T> {
    id.parse().expect("an id")
}

/// A client with a method, a developer, a milestone between them.
struct Deal {
    app: TestApp,
    client: Person,
    developer: Person,
    method: String,
    milestone: Uuid,
    contract: Uuid,
}

/// What the harness can do with money is said of the deal.
impl Deref for Deal {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Deal {
    /// With a method of that name in the sandbox.
    async fn with(kind: &str, name: &str) -> Self {
        let app = TestApp::start().await;
        let client = app.client("claire-client").await;
        let developer = app.sign_up("dev-dora", &["developer"]).await;
        let method = app.add_method(&client, kind, name).await;
        Self {
            app,
            client,
            developer,
            method,
            milestone: Uuid::from_u128(0x31),
            contract: Uuid::from_u128(0xc1),
        }
    }

    /// With a card that pays.
    async fn start() -> Self {
        Self::with("card", "pm_card_visa").await
    }

    /// The same, funded, and the developer can be paid.
    async fn funded() -> Self {
        let deal = Self::start().await;
        deal.fund().await.expect("asked");
        deal.settle().await;
        deal.onboard().await;
        deal
    }

    fn developer_id(&self) -> AccountId {
        parsed(&self.developer.id)
    }

    fn organisation(&self) -> OrganisationId {
        parsed(self.client.organisation())
    }

    async fn fund(&self) -> Result<PaymentId> {
        let funding = Funding {
            milestone: self.milestone,
            contract: self.contract,
            organisation: self.organisation(),
            amount: usd(AMOUNT),
            fee: usd(FEE),
            method: parsed(&self.method),
        };
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await).await
    }

    /// Releases so much, to be sent after `days`.
    async fn release(&self, decision: u128, amount: i64, days: i64) -> Result<()> {
        let release = Release {
            decision: Uuid::from_u128(decision),
            milestone: self.milestone,
            contract: self.contract,
            developer: self.developer_id(),
            held: Held::Free,
            amount: usd(amount),
            developer_fee: usd(0),
            client_fee: usd(amount * FEE / AMOUNT),
            payable_from: self.app.now() + chrono::Duration::days(days),
        };
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| assay_payments::release_in(ctx, conn, &release).await).await
    }

    async fn refund(&self, decision: u128, amount: i64) -> Result<()> {
        let refund = Refund {
            decision: Uuid::from_u128(decision),
            milestone: self.milestone,
            contract: self.contract,
            organisation: self.organisation(),
            held: Held::Free,
            amount: usd(amount),
            fee: usd(amount * FEE / AMOUNT),
        };
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| assay_payments::refund_in(ctx, conn, &refund).await).await
    }

    async fn refund_released(&self, decision: u128, amount: i64) -> Result<()> {
        let refund = ReversedRefund {
            decision: Uuid::from_u128(decision),
            milestone: self.milestone,
            contract: self.contract,
            developer: self.developer_id(),
            organisation: self.organisation(),
            amount: usd(amount),
            fee: usd(amount * FEE / AMOUNT),
        };
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| assay_payments::refund_released_in(ctx, conn, &refund).await).await
    }

    /// Moves the clock and settles.
    async fn after(&self, seconds: u64) {
        self.app.settle_after(Duration::from_secs(seconds)).await;
    }

    async fn days(&self, days: u64) {
        self.app.settle_days(days).await;
    }

    async fn float(&self) {
        self.app.float(&self.client).await;
    }

    async fn onboard(&self) {
        self.app.onboard(&self.developer).await;
    }

    async fn order(&self, path: &str, body: Value) -> Value {
        self.app.stripe_order(path, body).await
    }

    /// How often the sandbox was asked that.
    async fn asked(&self, what: &str) -> u64 {
        self.app.stripe_asked(what).await
    }

    async fn rows(&self, table: &str) -> String {
        self.app.dump(table).await
    }

    async fn answer_questions(&self) {
        self.app.answer_questions(&self.developer).await;
    }

    async fn charge(&self) -> String {
        let charges = self.at_stripe("charges").await;
        charges[0]["id"].as_str().expect("a charge").to_owned()
    }

    async fn balance(&self, kind: K, owner: Uuid) -> i64 {
        let account = AccountRef::of(kind, owner);
        let read =
            self.app.ctx().db.read(async |conn| assay_ledger::balance(conn, account, Currency::USD).await);
        read.await.expect("a balance").amount
    }

    /// Held free, held frozen, and the fee that is not earned.
    async fn held(&self) -> (i64, i64, i64) {
        (
            self.balance(K::Hold, self.milestone).await,
            self.balance(K::HoldFrozen, self.milestone).await,
            self.balance(K::FeeDeferred, self.milestone).await,
        )
    }

    async fn payable(&self) -> i64 {
        self.balance(K::DeveloperPayable, self.developer_id().uuid()).await
    }

    /// The states of the developer's transfers, newest first.
    async fn transfers(&self) -> Vec<String> {
        self.app.transfers(&self.developer).await
    }

    /// The states of the client's refunds, newest first.
    async fn refunds(&self) -> Vec<String> {
        self.app.refunds(&self.client).await
    }

    /// The provider agrees with the ledger, and every invariant holds.
    async fn whole(self) {
        for _ in 0..2 {
            self.after(7_200).await;
            worker::schedule_housekeeping(self.app.ctx()).await.expect("scheduled");
            self.settle().await;
        }
        self.app.assert_whole().await;
        self.app.stop().await;
    }
}
