//! What lives share: a database, a sandbox Stripe that delivers by hand, two workers of which one has a wrong clock,
//! people.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use assay::app::boot::{self, Origins};
use assay_adapters::stripe::Stripe;
use assay_kernel::ids::{AccountId, OrganisationId, PaymentMethodId};
use assay_kernel::{Clock, Permission, Result};
use assay_payments::{Moved, Payments};
use assay_platform::db::{Conn, DbError};
use assay_platform::jobs::{self, Registry};
use assay_platform::{Ctx, places, timers};
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::super::{parsed, usd};
use crate::harness::{Person, TestApp};

/// A way to pay: its name at the sandbox, its kind, what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pays,
    Returned,
    Disputed,
    Warned,
    RefundFails,
}

const METHODS: &[(&str, &str, Fate)] = &[
    ("card", "pm_card_visa", Fate::Pays),
    ("card", "pm_card_bypassPending", Fate::Pays),
    ("card", "pm_card_pendingRefund", Fate::Pays),
    ("bank_debit", "pm_usBankAccount", Fate::Pays),
    ("bank_debit", "pm_usBankAccount_insufficientFunds", Fate::Returned),
    ("bank_debit", "pm_usBankAccount_dispute", Fate::Disputed),
    ("card", "pm_card_createDispute", Fate::Disputed),
    ("card", "pm_card_createIssuerFraudRecord", Fate::Warned),
    ("card", "pm_card_refundFail", Fate::RefundFails),
];

/// A method of the client's.
pub struct Method {
    pub id: PaymentMethodId,
    pub name: &'static str,
    pub fate: Fate,
}

/// A developer with an account at the provider.
pub struct Developer {
    pub id: AccountId,
    pub account: String,
}

struct Worker {
    ctx: Ctx,
    registry: Registry,
}

/// The surroundings of lives.
pub struct World {
    pub app: TestApp,
    pub organisation: OrganisationId,
    pub methods: Vec<Method>,
    pub developers: Vec<Developer>,
    pub finance: Person,
    workers: [Worker; 2],
    secret: String,
}

/// Writes what it is told, in the transaction of the movement: so each counts once, and only when it was committed.
fn note<'a>(
    _ctx: &'a Ctx,
    conn: &'a mut Conn,
    moved: &'a Moved,
) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>> {
    Box::pin(async move {
        let what = format!("{:?}", moved.what);
        diesel::sql_query("INSERT INTO simulation_told (milestone, what) VALUES ($1, $2)")
            .bind::<SqlUuid, _>(moved.milestone)
            .bind::<Text, _>(what.split([' ', '{']).next().unwrap_or_default())
            .execute(conn)
            .await
            .map_err(DbError::from)?;
        Ok(())
    })
}

fn worker(app: &TestApp, clock: Clock) -> Worker {
    let (mut config, known) = (app.stripe.client_config(), app.ctx());
    // Lives are short in real time.
    (config.account_rate, config.endpoint_rate) = (1_000_000, 1_000_000);
    let stripe = Stripe::new(config).expect("a client");
    let origins = Origins {
        clock,
        entropy: known.entropy.clone(),
        keys: known.keys.clone(),
        policy: known.policy.clone(),
    };
    let ctx = boot::context(&known.config, &origins, app.database_url(), 4);
    let secrets = app.services.providers.stripe_webhooks.clone();
    let mut registry = Registry::new();
    assay_payments::jobs(&mut registry, &Payments::new(ctx.clone(), stripe, secrets, note));
    Worker { ctx, registry }
}

impl World {
    pub async fn start() -> Self {
        let app = TestApp::start().await;
        let client = app.client("claire-client").await;
        let finance = app.staff("staff-sam", Permission::Finance).await;
        let mut methods = Vec::new();
        for (kind, name, fate) in METHODS {
            let id = parsed(&app.add_method(&client, kind, name).await);
            methods.push(Method { id, name, fate: *fate });
        }
        let mut people = Vec::new();
        for login in ["dev-dora", "dev-deniz"] {
            let developer = app.sign_up(login, &["developer"]).await;
            app.post("/v1/me/payee").by(&developer).json(json!({ "country": "US" })).expect(200).await;
            people.push(parsed(&developer.id));
        }
        app.work().await;
        app.sql("CREATE TABLE simulation_told (n bigserial PRIMARY KEY, milestone uuid NOT NULL, what text NOT NULL)")
            .await
            .expect("a table");
        let workers = [worker(&app, app.ctx().clock.clone()), worker(&app, Clock::system())];
        let secret = secrecy::ExposeSecret::expose_secret(&app.stripe.client_config().secret_key).to_owned();
        let organisation = parsed(client.organisation());
        let mut world = Self { app, organisation, methods, developers: Vec::new(), finance, workers, secret };
        world.settings(0, false).await;
        let accounts = world.provider("accounts?limit=100").await;
        for (id, account) in people.into_iter().zip(accounts.iter().rev()) {
            let account = account["id"].as_str().expect("an id").to_owned();
            world.answer_questions(&account).await;
            world.developers.push(Developer { id, account });
        }
        world.float().await;
        world
    }

    /// Money of others, so that the platform can bear the provider's fees on what it refunds.
    async fn float(&self) {
        let ctx = self.app.ctx();
        for n in 0..3 {
            let funding = assay_payments::Funding {
                milestone: uuid::Uuid::from_u128(0xf10a_7000 + n),
                contract: uuid::Uuid::from_u128(0xf10a_7000),
                organisation: self.organisation,
                amount: usd(900_000_000),
                fee: usd(0),
                method: self.methods[0].id,
            };
            ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await).await.expect("asked");
        }
        self.settle().await;
    }

    /// How the sandbox behaves, and how far its clock is off.
    pub async fn settings(&self, skew_seconds: i64, negative_reversals: bool) {
        let settings = json!({ "skew_seconds": skew_seconds, "negative_reversals": negative_reversals, "by_hand": true });
        self.order("/_sandbox/settings", settings).await;
    }

    /// An order to the sandbox. It may refuse: then null.
    pub async fn order(&self, path: &str, body: Value) -> Value {
        let url = self.app.stripe.base_url().join(path).expect("a URL");
        let answer = self.app.http.post(url).json(&body).send().await.expect("the sandbox answers");
        if answer.status().is_success() { answer.json().await.unwrap_or(Value::Null) } else { Value::Null }
    }

    /// Everything that a list of the provider's has, page by page; its faults meet these questions too.
    pub async fn provider(&self, list: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(String::new(), |last| {
                format!("&starting_after={}", last["id"].as_str().expect("an id"))
            });
            let url = self.app.stripe.base_url().join(&format!("/v1/{list}{after}")).expect("a URL");
            let Ok(sent) = self.app.http.get(url).bearer_auth(&self.secret).send().await else { continue };
            let page: Value = sent.json().await.unwrap_or(Value::Null);
            let Some(data) = page["data"].as_array() else { continue };
            all.extend(data.iter().cloned());
            if page["has_more"] != true {
                return all;
            }
        }
    }

    /// The developer answers what the provider asks.
    pub async fn answer_questions(&self, account: &str) {
        let url = self.app.stripe.base_url().join("/v1/account_links").expect("a URL");
        let body = format!(
            "account={account}&type=account_onboarding&return_url=http%3A%2F%2Fa.example&refresh_url=http%3A%2F%2Fa.example"
        );
        let sent = self.app.http.post(url).bearer_auth(&self.secret).body(body).send().await.expect("a link");
        let link: Value = sent.json().await.expect("JSON");
        let page = format!("{}?complete", link["url"].as_str().expect("a link"));
        assert_eq!(self.app.http.get(page).send().await.expect("a page").status(), 302);
    }

    /// Moves every clock; the second worker's is off by so much.
    pub fn advance(&self, by: Duration, skew: i64) {
        // Not in the database: every process of this world is in this one.
        self.app.ctx().clock.advance(by);
        let offset = self.app.ctx().clock.offset() + chrono::Duration::seconds(skew);
        self.workers[1].ctx.clock.set_offset(offset);
    }

    /// The webhooks that are due. How many.
    pub async fn deliver(&self) -> u64 {
        self.order("/_sandbox/deliver", json!({})).await["delivered"].as_u64().expect("a count")
    }

    /// One round of a worker: how much there was.
    async fn round(&self, which: usize) -> usize {
        let Worker { ctx, registry } = &self.workers[which];
        let fired = ctx.db.read(async |conn| timers::fire_due(ctx, conn).await).await.expect("timers");
        fired + jobs::run_due(ctx, registry).await.expect("jobs")
    }

    /// Workers work once: 0, 1, or both at the same time (2).
    pub async fn work(&self, who: u64) -> usize {
        match who {
            0 => self.round(0).await,
            1 => self.round(1).await,
            _ => {
                let (one, other) = futures_util::join!(self.round(0), self.round(1));
                one + other
            }
        }
    }

    /// Delivers and works until nothing is left for now.
    pub async fn settle(&self) {
        while self.deliver().await > 0 || self.round(0).await > 0 {}
    }

    /// Asks for a sweep and a comparison.
    pub async fn schedule(&self) {
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| assay_payments::schedule(ctx, conn).await).await.expect("scheduled");
    }

    /// Does something that dies when it comes to a place for the `after`-th time. None: it died there.
    pub async fn until_dead<T>(
        &self,
        place: &'static str,
        after: u64,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let (dead, left) = (Rc::new(Notify::new()), RefCell::new(after));
        let tell = dead.clone();
        places::watch(Some(Box::new(move |reached| {
            if reached != place {
                return false;
            }
            let mut left = left.borrow_mut();
            *left = left.saturating_sub(1);
            if *left == 0 {
                tell.notify_one();
            }
            *left == 0
        })));
        let done = tokio::select! {
            biased;
            () = dead.notified() => None,
            done = work => Some(done),
        };
        places::watch(None);
        done
    }

    pub async fn stop(self) {
        // Jobs of the payments are these workers' and not the app's.
        self.app.sql("DELETE FROM jobs").await.expect("none is left");
        self.app.stop().await;
    }
}
