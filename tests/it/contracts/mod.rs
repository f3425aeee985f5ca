//! Contracts: signing, paying, delivering, accepting, changing, ending; clocks; races for one milestone's money. All
//! money goes through the sandbox Stripe.

mod banks;
mod breaches;
mod changes;
mod checks;
mod clocks;
mod dispute_races;
mod disputes;
mod endings;
mod paid;
mod races;
mod stories;
mod ties;

use std::ops::Deref;

use assay_kernel::ids::{ContractId, MilestoneId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Person, TestApp};
use crate::market::{bid_on, complete};

/// A contract and its people.
pub struct Deal {
    pub app: TestApp,
    pub client: Person,
    pub developer: Person,
    /// The path of the project.
    pub project: String,
    /// The path of the accepted bid.
    pub bid: String,
    /// The path of the contract.
    pub contract: String,
    /// The paths of its milestones.
    pub milestones: Vec<String>,
}

/// What the harness can do with money is said of the deal.
impl Deref for Deal {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

/// An accepted bid, not under contract yet.
pub async fn awarded() -> Deal {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let listed = app.listed(&client, complete("Reconcile three ledgers")).await;
    let project = format!("/v1/projects/{}", listed["id"].as_str().unwrap());
    let bid =
        app.post(&format!("{project}/bids")).by(&developer).json(bid_on(&listed)).expect(201).await.id();
    let bid = format!("/v1/bids/{bid}");
    app.act_with(&client, &bid, "offer", json!({})).await.assert_status(200);
    app.act(&developer, &bid, "accept_offer").await.assert_status(200);
    Deal { app, client, developer, project, bid, contract: String::new(), milestones: Vec::new() }
}

/// A contract that waits for signatures.
pub async fn drawn_up(choices: Value) -> Deal {
    let mut deal = awarded().await;
    let made =
        deal.app.post(&format!("{}/contract", deal.bid)).by(&deal.client).json(choices).expect(201).await;
    deal.contract = format!("/v1/contracts/{}", made.id());
    deal.milestones = paths(&made);
    deal
}

fn paths(contract: &Answer) -> Vec<String> {
    let milestones = contract.at("/milestones");
    milestones
        .as_array()
        .unwrap()
        .iter()
        .map(|m| format!("/v1/milestones/{}", m["id"].as_str().unwrap()))
        .collect()
}

/// A contract that both have signed.
pub async fn signed(choices: Value) -> Deal {
    let deal = drawn_up(choices).await;
    for person in [&deal.developer, &deal.client] {
        deal.sign(person).await.assert_status(200);
    }
    deal
}

/// A contract whose first milestone is paid.
pub async fn active(choices: Value) -> Deal {
    let deal = signed(choices).await;
    deal.pay(0).await;
    deal
}

/// The id of a prefixed id's path.
pub fn uuid_of(path: &str) -> Uuid {
    let id = path.rsplit('/').next().unwrap();
    id.parse::<MilestoneId>()
        .map(|id| id.uuid())
        .or_else(|_| id.parse::<ContractId>().map(|id| id.uuid()))
        .expect("an id")
}

impl Deal {
    pub async fn sign(&self, person: &Person) -> Answer {
        let hash = self.app.get(&self.contract).by(person).expect(200).await.at("/content_hash");
        let sign = self.app.post(&format!("{}/sign", self.contract)).by(person);
        sign.json(json!({ "content_hash": hash })).send().await
    }

    /// An act of a person on a thing as it is now.
    pub async fn act(&self, person: &Person, path: &str, verb: &str, body: Value) -> Answer {
        let seen = self.app.get(path).by(person).expect(200).await;
        let call = self.app.post(&format!("{path}/{verb}")).by(person).if_match(&seen.etag());
        if body.is_null() { call.send().await } else { call.json(body).send().await }
    }

    pub async fn see(&self, path: &str) -> Answer {
        self.app.get(path).by(&self.client).expect(200).await
    }

    pub async fn state(&self, path: &str) -> String {
        self.see(path).await.text_at("/state")
    }

    /// The client asks to pay for milestones with a method.
    pub async fn fund_with(&self, method: &str, milestones: &[&str]) -> Answer {
        let ids: Vec<&str> = milestones.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
        let body = json!({ "milestones": ids, "payment_method_id": method });
        self.app.post(&format!("{}/fund", self.contract)).by(&self.client).json(body).send().await
    }

    /// The same with the client's card.
    pub async fn fund(&self, milestones: &[&str]) -> Answer {
        self.fund_with(self.client.method(), milestones).await
    }

    /// The client pays for a milestone with the card, and the money arrives.
    pub async fn pay(&self, number: usize) {
        let path = &self.milestones[number];
        self.fund(&[path]).await.assert_status(200);
        self.app.settle().await;
        assert_eq!(self.state(path).await, "funded");
    }

    /// The developer can be paid.
    pub async fn onboard(&self) {
        self.app.onboard(&self.developer).await;
    }

    /// The provider's charges for a milestone, newest first.
    pub async fn charges(&self, milestone: &str) -> Vec<String> {
        let id = uuid_of(milestone).hyphenated().to_string();
        let charges = self.app.at_stripe("charges").await;
        let of = charges.iter().filter(|charge| charge["metadata"]["milestone"] == id);
        of.map(|charge| charge["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// The payer's bank takes a milestone's payment back. Answers the provider's dispute.
    pub async fn bank_takes(&self, milestone: &str) -> String {
        self.bank_takes_of(milestone, None).await
    }

    /// The same, or so much of it.
    pub async fn bank_takes_of(&self, milestone: &str, amount: Option<i64>) -> String {
        let charge = self.charges(milestone).await.remove(0);
        let order = json!({ "charge": charge, "amount": amount });
        let taken = self.app.stripe_order("/_sandbox/disputes", order).await;
        self.app.settle().await;
        taken["id"].as_str().expect("an id").to_owned()
    }

    /// The bank decides.
    pub async fn bank_decides(&self, taken: &str, won: bool) {
        self.app.stripe_order(&format!("/_sandbox/disputes/{taken}/decide"), json!({ "won": won })).await;
        self.app.settle().await;
    }

    /// Evidence for the deliverables of a milestone that are not accepted yet.
    pub async fn evidence(&self, milestone: &str) -> Value {
        let seen = self.see(milestone).await.at("/deliverables");
        let open = seen.as_array().unwrap().iter().filter(|one| one["accepted_at"].is_null());
        let evidence: Vec<Value> = open
            .map(|one| json!({ "deliverable_id": one["id"], "links": ["https://example.com/pull/1"], "commit": "5e3f8a1c" }))
            .collect();
        json!({ "evidence": evidence, "note": "Done as agreed." })
    }

    pub async fn deliver(&self, number: usize) -> Answer {
        let path = &self.milestones[number];
        let body = self.evidence(path).await;
        self.app.post(&format!("{path}/deliver")).by(&self.developer).json(body).expect(200).await
    }

    /// How many mails have this in their subject.
    pub async fn mails(&self, subject: &str) -> usize {
        self.app.work().await;
        let mails = self.app.get("/sandbox/mail").send_unchecked().await.json();
        let mails = mails["data"].as_array().unwrap().clone();
        mails.iter().filter(|mail| mail["subject"].as_str().unwrap().contains(subject)).count()
    }
}
