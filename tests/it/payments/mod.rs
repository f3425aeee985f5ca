//! Payments: stories over HTTP and the door, against the sandbox Stripe, with faults. Every story ends with whole books.

mod disputes;
mod faults;
mod funding;
mod killed;
mod paying;
mod simulation;
mod webhooks;

use assay::app::domains::INVARIANTS;
use assay::app::worker;
use assay_kernel::ids::{AccountId, Id, Kind, OrganisationId, PaymentId};
use assay_kernel::money::Currency;
use assay_kernel::{Money, Result};
use assay_ledger::{AccountKind as K, AccountRef, Held};
use assay_payments::{Funding, Refund, Release, ReversedRefund};
use serde_json::{Value, json};
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

impl Deal {
    /// With a method of that name in the sandbox.
    async fn with(kind: &str, name: &str) -> Self {
        let app = TestApp::start().await;
        let client = app.client("claire-client").await;
        let developer = app.sign_up("dev-dora", &["developer"]).await;
        let method = add_method(&app, &client, kind, name).await;
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

    /// Another milestone's money, so that the platform can bear the provider's fee on what it refunds.
    async fn float(&self) {
        let funding = Funding {
            milestone: Uuid::from_u128(0x99),
            contract: self.contract,
            organisation: self.organisation(),
            amount: usd(AMOUNT),
            fee: usd(FEE),
            method: parsed(&self.method),
        };
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await).await.expect("asked");
        self.settle().await;
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

    /// Works until neither we nor the sandbox's webhooks have anything left for now.
    async fn settle(&self) {
        for _ in 0..4 {
            self.app.work().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.app.work().await;
    }

    /// Moves the clock and settles.
    async fn after(&self, seconds: u64) {
        self.app.advance_clock(Duration::from_secs(seconds)).await;
        self.settle().await;
    }

    async fn days(&self, days: u64) {
        self.after(days * 86_400).await;
    }

    /// Opens the developer's account at the provider and answers its questions.
    async fn onboard(&self) {
        let (app, developer) = (&self.app, &self.developer);
        app.post("/v1/me/payee").by(developer).json(json!({ "country": "US" })).expect(200).await;
        self.answer_questions().await;
        let payee = app.post("/v1/me/payee/refresh").by(developer).expect(200).await;
        assert_eq!(payee.text_at("/state"), "active");
        self.settle().await;
    }

    async fn answer_questions(&self) {
        let link = self.app.post("/v1/me/payee/link").by(&self.developer).expect(200).await;
        let page = format!("{}?complete", link.text_at("/url"));
        assert_eq!(self.app.http.get(page).send().await.expect("a page").status(), 302);
    }

    /// An order to the sandbox.
    async fn order(&self, path: &str, body: Value) -> Value {
        let url = self.app.stripe.base_url().join(path).expect("a URL");
        let answer = self.app.http.post(url).json(&body).send().await.expect("the sandbox answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or(Value::Null)
    }

    async fn fault(&self, fault: Value) {
        self.order("/_sandbox/faults", fault).await;
    }

    /// How often the sandbox was asked that.
    async fn asked(&self, what: &str) -> u64 {
        let url = self.app.stripe.base_url().join("/_sandbox/requests").expect("a URL");
        let counts: Value = self.app.http.get(url).send().await.expect("counts").json().await.expect("JSON");
        counts[what].as_u64().unwrap_or(0)
    }

    /// Everything of a kind that the sandbox has.
    async fn at_stripe(&self, path: &str) -> Vec<Value> {
        let config = self.app.stripe.client_config();
        let url = self.app.stripe.base_url().join(&format!("/v1/{path}?limit=100")).expect("a URL");
        let key = secrecy::ExposeSecret::expose_secret(&config.secret_key).to_owned();
        let list: Value =
            self.app.http.get(url).bearer_auth(key).send().await.expect("a list").json().await.expect("JSON");
        list["data"].as_array().cloned().expect("a list")
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
        let list = self.app.get("/v1/me/transfers").by(&self.developer).expect(200).await.at("/data");
        let text = |row: &Value| row["state"].as_str().expect("a state").to_owned();
        list.as_array().expect("a list").iter().map(text).collect()
    }

    /// The states of the client's refunds, newest first.
    async fn refunds(&self) -> Vec<String> {
        let path = format!("/v1/organisations/{}/refunds", self.client.organisation());
        let list = self.app.get(&path).by(&self.client).expect(200).await.at("/data");
        let text = |row: &Value| row["state"].as_str().expect("a state").to_owned();
        list.as_array().expect("a list").iter().map(text).collect()
    }

    /// One column of one row as text.
    async fn rows(&self, table: &str) -> String {
        self.app.dump(table).await
    }

    /// The provider agrees with the ledger, and every invariant holds.
    async fn whole(self) {
        for _ in 0..2 {
            self.after(7_200).await;
            worker::schedule_housekeeping(self.app.ctx()).await.expect("scheduled");
            self.settle().await;
        }
        let findings = assay_ledger::check(self.app.ctx(), INVARIANTS).await.expect("a check");
        let broken: Vec<_> = findings.into_iter().filter(|finding| finding.offenders != 0).collect();
        assert!(broken.is_empty(), "{broken:?}\n{}", self.rows("provider_differences").await);
        self.app.stop().await;
    }
}

/// Sets a method up; it must be verified.
async fn add_method(app: &TestApp, client: &Person, kind: &str, name: &str) -> String {
    let path = format!("/v1/organisations/{}/payment_methods", client.organisation());
    let input = json!({ "kind": kind, "payment_method": name });
    let added = app.post(&path).by(client).json(input).expect(201).await;
    assert_eq!(added.text_at("/state"), "verified");
    added.id()
}
