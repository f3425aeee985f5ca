//! The client and the sandbox against each other, over real sockets; each test has a sandbox of its own. With
//! `ASSAY_STRIPE_RECORD` naming a file, every exchange is written to it (scripts/long-suite checks them).

mod connect;
mod faults;
mod payments;
mod pure;
mod sdk;
mod webhooks;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assay_kernel::{Clock, Entropy, Money};
use reqwest::StatusCode;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::sandbox::{Endpoint, Options, Server};
use super::*;

const DAY: u64 = 86_400;

/// A sandbox with a client.
struct Stage {
    clock: Clock,
    server: Server,
    stripe: Stripe,
    http: reqwest::Client,
    keys: AtomicU32,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {}, Vec::new())
    }

    fn with(change: impl FnOnce(&mut Config), webhooks: Vec<Endpoint>) -> Self {
        let clock = Clock::system();
        let secret = SecretString::from("sk_test_sandbox");
        let mut options = Options::new(clock.clone(), Entropy::system(), secret);
        options.webhooks = webhooks;
        options.record = std::env::var_os("ASSAY_STRIPE_RECORD").map(Into::into);
        let server = Server::bind("127.0.0.1", 0, options).unwrap();
        let mut config = server.client_config();
        change(&mut config);
        let stripe = Stripe::new(config).unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { clock, server, stripe, http, keys: AtomicU32::new(0) }
    }

    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(&format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed))).unwrap()
    }

    async fn send<T: DeserializeOwned>(&self, post: &Post<T>) -> Outcome<T> {
        self.stripe.send(post, &self.key()).await
    }

    async fn order(&self, control: &str, body: Value) -> Value {
        let url = self.server.base_url().join(&format!("/_sandbox/{control}")).unwrap();
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{control}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    fn days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * DAY));
    }

    /// A payment of that method, as far as it goes at once.
    async fn pay(&self, dollars: i64, method: &str) -> Outcome<PaymentIntent> {
        self.send(&payment(dollars, Some(method), "m1")).await
    }

    /// A payment that is there for good, and its charge.
    async fn paid(&self, dollars: i64, method: &str) -> (PaymentIntent, Charge) {
        let intent = self.pay(dollars, method).await.unwrap();
        assert_eq!(intent.status, PaymentIntentStatus::Succeeded);
        let charge = self.stripe.retrieve(intent.latest_charge.as_deref().unwrap(), None).await.unwrap();
        (intent, charge)
    }

    /// Somebody who can be paid.
    async fn payee(&self) -> Account {
        let account = self.send(&create_account(&NewAccount { country: "US", metadata: &[] })).await.unwrap();
        let link = create_account_link(&account.id, "http://127.0.0.1/again", "http://127.0.0.1/back");
        let link = self.send(&link).await.unwrap();
        let answer = self.http.get(format!("{}?complete", link.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
        assert_eq!(answer.headers()["location"], "http://127.0.0.1/back");
        self.stripe.retrieve(&account.id, None).await.unwrap()
    }

    async fn transfer(&self, dollars: i64, to: &str, source: Option<&str>) -> Outcome<Transfer> {
        self.send(&transfer(dollars, to, source)).await
    }

    /// What the platform has and will have, in cents.
    async fn balance(&self, account: Option<&str>) -> (i64, i64) {
        let balance = self.stripe.balance(account).await.unwrap();
        (balance.available("usd"), balance.pending("usd"))
    }
}

fn payment<'a>(dollars: i64, method: Option<&'a str>, milestone: &'a str) -> Post<PaymentIntent> {
    create_payment_intent(&NewPaymentIntent {
        money: Money::usd(dollars),
        transfer_group: "contract_1",
        customer: None,
        methods: &["card", "us_bank_account"],
        confirm_with: method,
        return_url: None,
        metadata: &[("milestone", milestone)],
    })
}

fn transfer(dollars: i64, to: &str, source: Option<&str>) -> Post<Transfer> {
    create_transfer(&NewTransfer {
        money: Money::usd(dollars),
        destination: to,
        source_transaction: source,
        transfer_group: "contract_1",
        metadata: &[("command", "c1")],
    })
}

fn code<T: std::fmt::Debug>(outcome: Outcome<T>) -> String {
    outcome.unwrap_err().refusal().unwrap().code.clone().unwrap_or_default()
}
