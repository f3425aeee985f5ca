//! Money: the sandbox Stripe and the worker, told to go on until neither has anything left to do.

use std::collections::BTreeSet;
use std::time::Duration;

use assay::app::domains::INVARIANTS;
use assay_kernel::Money;
use assay_kernel::money::Currency;
use assay_ledger::Invariants;
use assay_payments::Funding;
use assay_platform::db::Conn;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::app::TestApp;
use super::people::Person;

impl TestApp {
    /// Works until neither we nor the sandbox's webhooks have anything left for now.
    pub async fn settle(&self) {
        loop {
            // What was being delivered has arrived when this answers, so that the round sees it.
            self.stripe_order("/_sandbox/deliver", json!({})).await;
            if self.worked().await == 0 {
                return;
            }
        }
    }

    /// Moves the clock and settles.
    pub async fn settle_after(&self, by: Duration) {
        self.advance_clock(by).await;
        self.settle().await;
    }

    /// Moves the clock by days and settles.
    pub async fn settle_days(&self, days: u64) {
        self.settle_after(Duration::from_secs(days * 86_400)).await;
    }

    /// An order to the sandbox Stripe.
    pub async fn stripe_order(&self, path: &str, body: Value) -> Value {
        let url = self.stripe.base_url().join(path).expect("a URL");
        let answer = self.http.post(url).json(&body).send().await.expect("the sandbox answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or(Value::Null)
    }

    /// Orders it to misbehave.
    pub async fn fault(&self, fault: Value) {
        self.stripe_order("/_sandbox/faults", fault).await;
    }

    /// How often the sandbox Stripe was asked that.
    pub async fn stripe_asked(&self, what: &str) -> u64 {
        let url = self.stripe.base_url().join("/_sandbox/requests").expect("a URL");
        let counts: Value = self.http.get(url).send().await.expect("counts").json().await.expect("JSON");
        counts[what].as_u64().unwrap_or(0)
    }

    /// Everything of a kind that the sandbox Stripe has, newest first.
    pub async fn at_stripe(&self, path: &str) -> Vec<Value> {
        let url = self.stripe.base_url().join(&format!("/v1/{path}?limit=100")).expect("a URL");
        let list = self.http.get(url).bearer_auth(self.stripe_key()).send().await.expect("a list");
        let list: Value = list.json().await.expect("JSON");
        list["data"].as_array().cloned().expect("a list")
    }

    /// The key that the sandbox Stripe takes.
    pub fn stripe_key(&self) -> String {
        self.stripe.client_config().secret_key.expose_secret().to_owned()
    }

    /// Sets a method of that name in the sandbox up; it must be verified.
    pub async fn add_method(&self, client: &Person, kind: &str, name: &str) -> String {
        let path = format!("/v1/organisations/{}/payment_methods", client.organisation());
        let input = json!({ "kind": kind, "payment_method": name });
        let added = self.post(&path).by(client).json(input).expect(201).await;
        assert_eq!(added.text_at("/state"), "verified");
        added.id()
    }

    /// Opens a developer's account at the provider and answers its questions.
    pub async fn onboard(&self, developer: &Person) {
        self.post("/v1/me/payee").by(developer).json(json!({ "country": "US" })).expect(200).await;
        self.answer_questions(developer).await;
        let payee = self.post("/v1/me/payee/refresh").by(developer).expect(200).await;
        assert_eq!(payee.text_at("/state"), "active");
        self.settle().await;
    }

    /// Answers what the provider asks a payee.
    pub async fn answer_questions(&self, developer: &Person) {
        let link = self.post("/v1/me/payee/link").by(developer).expect(200).await;
        let page = format!("{}?complete", link.text_at("/url"));
        assert_eq!(self.http.get(page).send().await.expect("a page").status(), 302);
    }

    /// Another milestone's money, so that the platform can bear the provider's fee on what it refunds whole.
    pub async fn float(&self, client: &Person) {
        let funding = Funding {
            milestone: Uuid::from_u128(0x99),
            contract: Uuid::from_u128(0xc9),
            organisation: client.organisation().parse().expect("an id"),
            amount: Money::new(100_000, Currency::USD),
            fee: Money::new(15_000, Currency::USD),
            method: client.method().parse().expect("an id"),
        };
        let ctx = self.ctx();
        ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await).await.expect("asked");
        self.settle().await;
    }

    /// The states of a developer's transfers, newest first.
    pub async fn transfers(&self, developer: &Person) -> Vec<String> {
        self.states("/v1/me/transfers", developer).await
    }

    /// The states of a client's refunds, newest first.
    pub async fn refunds(&self, client: &Person) -> Vec<String> {
        self.states(&format!("/v1/organisations/{}/refunds", client.organisation()), client).await
    }

    async fn states(&self, path: &str, person: &Person) -> Vec<String> {
        let list = self.get(path).by(person).expect(200).await.at("/data");
        let text = |row: &Value| row["state"].as_str().expect("a state").to_owned();
        list.as_array().expect("a list").iter().map(text).collect()
    }

    /// Every invariant holds.
    pub async fn assert_whole(&self) {
        let findings = assay_ledger::check(self.ctx(), INVARIANTS).await.expect("a check");
        let broken: Vec<_> = findings.into_iter().filter(|finding| finding.offenders != 0).collect();
        assert!(broken.is_empty(), "{broken:?}\n{}", self.dump("provider_differences").await);
    }

    /// Each of these invariants finds its breaches, and nothing before: an invariant, what is done, and the SQL that does
    /// it. `first` is run before each.
    pub async fn assert_found(
        &self,
        own: Invariants,
        first: &str,
        breaches: &[(&str, &str, impl AsRef<str>)],
    ) {
        let mut conn = Conn::establish(self.database_url()).await.expect("a connection");
        let now = self.ctx().clock.now();
        let mut faults = Vec::new();
        for (name, what, sql) in breaches {
            for broken in [false, true] {
                conn.batch_execute(&format!("BEGIN; {first} {}", if broken { sql.as_ref() } else { "" }))
                    .await
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                let findings = assay_ledger::check_in(&mut conn, own, now).await.expect("a check");
                conn.batch_execute("ROLLBACK").await.expect("rolled back");
                let offended = findings.iter().any(|found| found.name == *name && found.offenders > 0);
                if offended != broken {
                    faults.push(format!("{name} {}: {what}", if broken { "misses" } else { "finds before" }));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        let tried: BTreeSet<&str> = breaches.iter().map(|(name, ..)| *name).collect();
        let all: BTreeSet<&str> = own.iter().copied().flatten().map(|invariant| invariant.name).collect();
        assert_eq!(tried, all, "each invariant is offended");
    }
}
