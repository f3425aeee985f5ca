//! Money through the API: contracts with many milestones, acts that are repeated until they are acknowledged, and what
//! came of each in the end.

use assay_platform::crypto::sha256;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::stage::Stage;
use crate::harness::{Call, Person, TestApp};
use crate::market::{bid_on, complete_with};

const MILESTONES: usize = 8;
const AMOUNT: i64 = 250_000;
/// The bid is a tenth below the listing.
pub const HELD: i64 = AMOUNT * 9 / 10;
pub const CLIENT_FEE: i64 = HELD * 15 / 100;
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done with a milestone's money, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Fund,
    Accept,
    Refund,
}

/// An act that was acknowledged.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// In which line of the table.
    pub line: usize,
    pub act: Act,
    /// The path of the milestone.
    pub milestone: String,
}

/// The people, and the milestones that nothing was done with yet.
pub struct Deals {
    pub client: Person,
    pub developer: Person,
    method: String,
    /// Paths of contracts and of their milestones.
    unpaid: Vec<(String, String)>,
    contracts: usize,
}

fn project(title: &str) -> Value {
    let milestone = |n: usize| {
        json!({ "title": format!("Part {n}"), "amount": AMOUNT, "duration_days": 30, "deliverables": [
            { "title": format!("Part {n}"), "specification": "One month imported.", "weight_bps": 10_000,
              "acceptance": { "kind": "human", "criterion": "The sums are the ledger's." } } ] })
    };
    let milestones: Vec<Value> = (1..=MILESTONES).map(milestone).collect();
    let whole = AMOUNT * i64::try_from(MILESTONES).unwrap_or(0);
    complete_with(
        title,
        json!({ "budget": { "amount": whole, "currency": "USD" }, "milestones": milestones, "duration_days": 300 }),
    )
}

impl Deals {
    pub async fn begin(app: &TestApp) -> Self {
        let client = app.client("carl-client").await;
        let developer = app.developer("dev-dora").await;
        let method = app.add_method(&client, "card", "pm_card_visa").await;
        app.post("/v1/me/payee").by(&developer).json(json!({ "country": "US" })).expect(200).await;
        let link = app.post("/v1/me/payee/link").by(&developer).expect(200).await;
        let page = format!("{}?complete", link.text_at("/url"));
        assert_eq!(app.http.get(page).send().await.expect("a page").status(), 302);
        app.post("/v1/me/payee/refresh").by(&developer).expect(200).await;
        Self { client, developer, method, unpaid: Vec::new(), contracts: 0 }
    }

    /// One more contract that both have signed.
    pub async fn sign(&mut self, app: &TestApp) {
        self.contracts += 1;
        let listed = app.listed(&self.client, project(&format!("Reconcile ledger {}", self.contracts))).await;
        let path = format!("/v1/projects/{}/bids", listed["id"].as_str().expect("an id"));
        let bid = app.post(&path).by(&self.developer).json(bid_on(&listed)).expect(201).await.id();
        let bid = format!("/v1/bids/{bid}");
        app.act_with(&self.client, &bid, "offer", json!({})).await.assert_status(200);
        app.act(&self.developer, &bid, "accept_offer").await.assert_status(200);
        let made = app.post(&format!("{bid}/contract")).by(&self.client).json(json!({})).expect(201).await;
        let contract = format!("/v1/contracts/{}", made.id());
        for person in [&self.developer, &self.client] {
            let hash = app.get(&contract).by(person).expect(200).await.at("/content_hash");
            let sign = app.post(&format!("{contract}/sign")).by(person);
            sign.json(json!({ "content_hash": hash })).expect(200).await;
        }
        for milestone in made.at("/milestones").as_array().expect("milestones") {
            let id = milestone["id"].as_str().expect("an id");
            self.unpaid.push((contract.clone(), format!("/v1/milestones/{id}")));
        }
    }

    /// A milestone that nothing was done with.
    pub fn take(&mut self) -> (String, String) {
        self.unpaid.pop().expect("enough contracts are signed")
    }

    pub fn left(&self) -> usize {
        self.unpaid.len()
    }

    /// Both have tokens that last for the next minutes: nobody can sign in while nobody answers.
    pub async fn come_in(&self, stage: &Stage) {
        for person in [&self.client, &self.developer] {
            stage.app.get("/v1/me").by(person).expect(200).await;
        }
    }

    /// Pays for a milestone.
    pub async fn fund(&self, stage: &Stage, (contract, milestone): &(String, String)) {
        let id = milestone.rsplit('/').next().unwrap_or_default();
        let body = json!({ "milestones": [id], "payment_method_id": self.method });
        self.until_acknowledged(stage, &self.client, &format!("{contract}/fund"), "", &body).await;
    }

    /// Delivers what is funded.
    pub async fn deliver(&self, stage: &Stage, milestone: &str) {
        let seen = stage.app.get(milestone).by(&self.client).expect(200).await.at("/deliverables/0/id");
        let evidence = json!([{ "deliverable_id": seen, "links": ["https://example.com/pull/1"] }]);
        let body = json!({ "evidence": evidence, "note": "Done as agreed." });
        self.until_acknowledged(stage, &self.developer, &format!("{milestone}/deliver"), "", &body).await;
    }

    /// Accepts what was delivered.
    pub async fn accept(&self, stage: &Stage, milestone: &str) {
        self.until_acknowledged(stage, &self.client, &format!("{milestone}/accept"), "*", &json!({})).await;
    }

    /// Asks for the money back.
    pub async fn ask_back(&self, stage: &Stage, milestone: &str) {
        let body = json!({ "reason": "The import is bought elsewhere." });
        self.until_acknowledged(stage, &self.client, &format!("{milestone}/request_refund"), "", &body).await;
    }

    /// Gives it back.
    pub async fn grant(&self, stage: &Stage, milestone: &str) {
        let path = format!("{milestone}/grant_refund");
        self.until_acknowledged(stage, &self.developer, &path, "*", &Value::Null).await;
    }

    /// Asks under one idempotency key, until there is an answer: what is not acknowledged is asked again.
    async fn until_acknowledged(&self, stage: &Stage, person: &Person, path: &str, etag: &str, body: &Value) {
        let hash = sha256(format!("{path} {body}").as_bytes());
        let key: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let until = Instant::now() + PATIENCE;
        loop {
            let mut call: Call<'_> = stage.app.post(path).by(person).key(&key);
            if !etag.is_empty() {
                call = call.if_match(etag);
            }
            if !body.is_null() {
                call = call.json(body.clone());
            }
            match call.attempt().await {
                Some(answer) if answer.status == 200 => return,
                Some(answer) => {
                    let passing = answer.status == 503 || answer.text.contains("idempotency_in_flight");
                    assert!(passing, "{answer}");
                }
                None => {}
            }
            assert!(Instant::now() < until, "{path} is not acknowledged\n{}", stage.logs());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Everything that a list of the provider's has.
pub async fn provider(app: &TestApp, list: &str) -> Vec<Value> {
    let secret = secrecy::ExposeSecret::expose_secret(&app.stripe.client_config().secret_key).to_owned();
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all
            .last()
            .map_or(String::new(), |last| format!("&starting_after={}", last["id"].as_str().unwrap_or("")));
        let url = app.stripe.base_url().join(&format!("/v1/{list}?limit=100{after}")).expect("a URL");
        let page: Value =
            app.http.get(url).bearer_auth(&secret).send().await.expect("a list").json().await.expect("JSON");
        all.extend(page["data"].as_array().expect("a list").iter().cloned());
        if page["has_more"] != true {
            return all;
        }
    }
}

/// How often the provider has done an act, and whether with the right sum: 1 is right.
pub fn effects(done: &Acknowledged, charges: &[Value], transfers: &[Value], refunds: &[Value]) -> usize {
    let id = done.milestone.rsplit("mst_").next().unwrap_or_default();
    let of = |list: &[Value], amount: i64| {
        list.iter()
            .filter(|one| one["status"] != "failed" && one["amount"] == amount)
            .filter(|one| {
                one["metadata"]["milestone"].as_str().is_some_and(|text| text.replace('-', "") == id)
            })
            .count()
    };
    match done.act {
        Act::Fund => of(charges, HELD + CLIENT_FEE),
        Act::Accept => of(transfers, HELD),
        Act::Refund => of(refunds, HELD + CLIENT_FEE),
    }
}
