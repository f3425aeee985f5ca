//! Contracts: signing, paying, delivering, accepting, changing, ending; clocks; races for one milestone's money. But for
//! `paid`, where money goes the whole way through the sandbox Stripe, stories say themselves what the provider did and
//! when: their payments' requests are written, and not sent.

mod changes;
mod checks;
mod clocks;
mod dispute_races;
mod disputes;
mod endings;
mod paid;
mod races;
mod stories;

use assay::app::domains::INVARIANTS;
use assay_contracts::on_moved;
use assay_kernel::Money;
use assay_kernel::ids::{ContractId, MilestoneId};
use assay_kernel::money::Currency;
use assay_ledger::Event;
use assay_payments::{Moved, Movement};
use assay_platform::db::DbError;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
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

/// A contract that waits for signatures; what the provider does is told by the story.
pub async fn drawn_up(choices: Value) -> Deal {
    let deal = awarded().await;
    for statement in [
        "CREATE FUNCTION not_sent() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER not_sent BEFORE INSERT ON jobs FOR EACH ROW WHEN (NEW.kind LIKE 'payments.%')
             EXECUTE FUNCTION not_sent()",
    ] {
        deal.app.sql(statement).await.unwrap();
    }
    drawn_up_for(deal, choices).await
}

async fn drawn_up_for(mut deal: Deal, choices: Value) -> Deal {
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

#[derive(diesel::QueryableByName)]
struct Paid {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    contract: Uuid,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = BigInt)]
    fee: i64,
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

    /// A method with which the client can pay.
    pub async fn method(&self) -> String {
        let org = uuid_of_any(self.client.organisation());
        let by = uuid_of_any(&self.client.id);
        self.app
            .sql(&format!(
                "INSERT INTO payment_customers VALUES ('{org}', 'cus_test', now()) ON CONFLICT DO NOTHING"
            ))
            .await
            .unwrap();
        self.app
            .sql(&format!(
                "INSERT INTO payment_methods (id, organisation_id, added_by_id, kind, state, method, created_at, updated_at)
                 VALUES ('{org}', '{org}', '{by}', 'card', 'verified', 'pm_test', now(), now()) ON CONFLICT DO NOTHING"
            ))
            .await
            .unwrap();
        format!("pmt_{}", org.simple())
    }

    /// The client pays for milestones.
    pub async fn fund(&self, milestones: &[&str]) -> Answer {
        let ids: Vec<&str> = milestones.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
        let method = self.method().await;
        let body = json!({ "milestones": ids, "payment_method_id": method });
        self.app.post(&format!("{}/fund", self.contract)).by(&self.client).json(body).send().await
    }

    /// What the payments do when the provider says that the payment has succeeded.
    pub async fn arrive(&self, milestone: &str) {
        arrive(&self.app, uuid_of(milestone)).await;
    }

    /// The client pays for a milestone, and the payment succeeds.
    pub async fn pay(&self, number: usize) {
        let path = &self.milestones[number];
        self.fund(&[path]).await.assert_status(200);
        self.arrive(path).await;
    }

    /// Tells what the provider did.
    pub async fn moved(&self, milestone: &str, what: Movement) {
        let moved = Moved { milestone: uuid_of(milestone), contract: uuid_of(&self.contract), what };
        let ctx = self.app.ctx();
        ctx.db.tx(async |conn| on_moved(ctx, conn, &moved).await).await.expect("the hook");
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

    pub async fn assert_whole(&self) {
        assert_whole(&self.app).await;
    }
}

pub async fn arrive(app: &TestApp, milestone: Uuid) {
    let ctx = app.ctx();
    let work = ctx.db.tx(async |conn| {
        // The provider is not asked: what it would say is told here.
        let paid: Paid = diesel::sql_query(format!(
            "WITH paid AS (UPDATE payments SET state = 'succeeded', charge = 'ch_' || milestone,
                balance_transaction = 'txn_' || id, succeeded_at = now()
                WHERE milestone = '{milestone}' AND state = 'pending' RETURNING id, contract, amount, fee),
             gone AS (DELETE FROM provider_commands WHERE subject IN (SELECT id FROM paid))
             SELECT * FROM paid"
        ))
        .get_result(conn)
        .await
        .map_err(DbError::from)?;
        let usd = |amount| Money::new(amount, Currency::USD);
        let funded = Event::Funded {
            provider: format!("txn_{}", paid.id),
            milestone,
            amount: usd(paid.amount),
            fee: usd(paid.fee),
        };
        assay_ledger::post_in(ctx, conn, &funded, Some(paid.contract)).await?;
        on_moved(ctx, conn, &Moved { milestone, contract: paid.contract, what: Movement::Funded }).await
    });
    work.await.expect("the payment arrives");
}

pub async fn assert_whole(app: &TestApp) {
    let findings = assay_ledger::check(app.ctx(), INVARIANTS).await.expect("a check");
    let broken: Vec<_> = findings.into_iter().filter(|finding| finding.offenders != 0).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

fn uuid_of_any(id: &str) -> Uuid {
    id.split_once('_').expect("a prefixed id").1.parse().expect("a uuid")
}
