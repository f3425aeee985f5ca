//! Approve, refund, timer and change order race for one milestone's money, in each pair: exactly one decision,
//! exactly one effect in the ledger. `ASSAY_RACES=100` races each pair a hundred times.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Deal, signed, uuid_of};
use crate::harness::{Answer, Call, Person, TestApp};

/// How often each pair races.
pub fn times() -> usize {
    std::env::var("ASSAY_RACES").ok().and_then(|times| times.parse().ok()).unwrap_or(8)
}

/// A copy of the signed contract with its first milestone; what happens to it then is no copy.
struct Copy {
    contract: String,
    milestone: String,
}

/// Columns of a table but for some, which are replaced.
pub async fn columns(app: &TestApp, table: &str, replaced: &[(&str, String)]) -> (String, String) {
    let names = app
        .column_names(table)
        .await
        .into_iter()
        .map(|name| {
            let value = replaced.iter().find(|(column, _)| *column == name).map(|(_, value)| value.clone());
            (name.clone(), value.unwrap_or(name))
        })
        .collect::<Vec<_>>();
    let joined = |side: fn(&(String, String)) -> &String| {
        names.iter().map(side).cloned().collect::<Vec<_>>().join(", ")
    };
    (joined(|pair| &pair.0), joined(|pair| &pair.1))
}

/// Rows to copy: of which table, which, and what is replaced in them.
pub type Rows = (&'static str, String, Vec<(&'static str, String)>);

/// Copies the signed contract, which nobody has paid for.
async fn copy(deal: &Deal) -> Copy {
    let app = &deal.app;
    let (from, first) = (uuid_of(&deal.contract), uuid_of(&deal.milestones[0]));
    let id = || app.ctx().ids.uuid();
    let (contract, milestone, project, bid) = (id(), id(), id(), id());
    let text = |id: Uuid| id.simple().to_string();
    let renamed =
        |column: &str| format!("replace({column}::text, '{}', '{}')::jsonb", text(first), text(milestone));
    let is = |id: Uuid| format!("'{id}'::uuid");
    let rows: Vec<Rows> = vec![
        (
            "projects",
            format!("id = (SELECT project_id FROM contracts WHERE id = '{from}')"),
            vec![("id", is(project))],
        ),
        (
            "bids",
            format!("id = (SELECT bid_id FROM contracts WHERE id = '{from}')"),
            vec![("id", is(bid)), ("project_id", is(project))],
        ),
        (
            "contracts",
            format!("id = '{from}'"),
            vec![
                ("id", is(contract)),
                ("project_id", is(project)),
                ("bid_id", is(bid)),
                ("terms", renamed("terms")),
            ],
        ),
        (
            "milestones",
            format!("id = '{first}'"),
            vec![("id", is(milestone)), ("contract_id", is(contract)), ("document", renamed("document"))],
        ),
    ];
    for (table, filter, replaced) in rows {
        let (into, values) = columns(app, table, &replaced).await;
        app.sql(&format!("INSERT INTO {table} ({into}) SELECT {values} FROM {table} WHERE {filter}"))
            .await
            .unwrap();
    }
    Copy { contract: format!("ctr_{}", text(contract)), milestone: format!("mst_{}", text(milestone)) }
}

fn act<'a>(deal: &'a Deal, person: &'a Person, path: String) -> Call<'a> {
    deal.app.post(&path).by(person).if_match("*")
}

/// Delivers, and hangs over it both a proposal to end the contract (with nothing for the developer) and a change order
/// that drops the milestone. Answers the order.
async fn endanger(deal: &Deal, copy: &Copy, evidence: &Value) -> String {
    let Copy { contract, milestone } = copy;
    let delivery = deal.app.post(&format!("/v1/milestones/{milestone}/deliver")).by(&deal.developer);
    delivery.json(evidence.clone()).expect(200).await;
    let ending = json!({ "reason": "The company is wound up this month." });
    let propose = act(deal, &deal.developer, format!("/v1/contracts/{contract}/propose_termination"));
    propose.json(ending).expect(200).await;
    let drop = json!({ "reason": "The import is bought elsewhere.", "drop": [milestone] });
    let order = deal.app.post(&format!("/v1/contracts/{contract}/change_orders")).by(&deal.client);
    order.json(drop).expect(201).await.id()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Racer {
    Approve,
    Refund,
    Timer,
    Change,
}

impl Racer {
    fn run<'a>(self, deal: &'a Deal, copy: &'a Copy, order: &'a str) -> LocalBoxFuture<'a, Option<Answer>> {
        let Copy { contract, milestone } = copy;
        async move {
            let act = |person, path| act(deal, person, path);
            Some(match self {
                Racer::Approve => {
                    let accept = act(&deal.client, format!("/v1/milestones/{milestone}/accept"));
                    accept.json(json!({})).send().await
                }
                Racer::Refund => {
                    act(&deal.client, format!("/v1/contracts/{contract}/accept_termination")).send().await
                }
                Racer::Change => {
                    act(&deal.developer, format!("/v1/change_orders/{order}/accept")).send().await
                }
                Racer::Timer => return None,
            })
        }
        .boxed_local()
    }
}

async fn race(deal: &Deal, copies: &[Copy], evidence: &Value, one: Racer, other: Racer) {
    let app = &deal.app;
    let endangered = stream::iter(copies).then(|copy| endanger(deal, copy, evidence));
    let orders: Vec<String> = endangered.collect().await;
    if other == Racer::Timer {
        // The reviews are over, and the timers are late.
        app.advance_clock(Duration::from_secs(6 * 86_400)).await;
        for person in [&deal.client, &deal.developer] {
            app.get("/v1/me").by(person).expect(200).await;
        }
    }
    let racing = stream::iter(copies.iter().zip(&orders))
        .map(|(copy, order)| async move {
            futures_util::join!(one.run(deal, copy, order), other.run(deal, copy, order))
        })
        .buffer_unordered(2)
        .collect::<Vec<_>>();
    let timer = async {
        if other == Racer::Timer {
            app.work_with_failures().await;
        }
    };
    let (answers, ()) = futures_util::join!(racing, timer);
    for answer in answers.iter().flat_map(|(a, b)| [a, b]).flatten() {
        assert!(matches!(answer.status, 200 | 409), "{one:?} against {other:?}: {answer}");
    }
    app.settle().await;
    for copy in copies {
        let id = uuid_of(&copy.milestone);
        let count = |query: String| async move { app.number(&query).await };
        let decisions = count(format!(
            "SELECT count(*) AS n FROM milestone_decisions WHERE milestone_id = '{id}' AND terminal"
        ))
        .await;
        assert_eq!(decisions, 1, "{one:?} against {other:?}");
        let moves = count(format!(
            "SELECT count(*) AS n FROM ledger_transactions WHERE milestone = '{id}' AND kind IN ('release', 'refund_commanded')"
        ))
        .await;
        assert_eq!(moves, 1, "{one:?} against {other:?}");
    }
    app.assert_whole().await;
}

#[tokio::test]
async fn each_pair_has_one_winner() {
    const PAIRS: [(Racer, Racer); 6] = [
        (Racer::Approve, Racer::Refund),
        (Racer::Approve, Racer::Change),
        (Racer::Refund, Racer::Change),
        (Racer::Approve, Racer::Timer),
        (Racer::Refund, Racer::Timer),
        (Racer::Change, Racer::Timer),
    ];
    let deal = signed(json!({ "review_days": 5 })).await;
    let app = &deal.app;
    // Bank debits: what they cost is little, so that the platform can refund as many of them as it has to.
    let bank = app.add_method(&deal.client, "bank_debit", "pm_usBankAccount").await;
    app.float(&deal.client).await;
    let evidence = deal.evidence(&deal.milestones[0]).await;
    let mut copies = Vec::new();
    for _ in 0..PAIRS.len() * times() {
        let copy = copy(&deal).await;
        let fund = json!({ "milestones": [copy.milestone], "payment_method_id": bank });
        let funding = app.post(&format!("/v1/contracts/{}/fund", copy.contract)).by(&deal.client);
        funding.json(fund).expect(200).await;
        copies.push(copy);
    }
    app.settle().await;
    app.settle_days(4).await;
    for (copies, (one, other)) in copies.chunks(times()).zip(PAIRS) {
        race(&deal, copies, &evidence, one, other).await;
    }
    let refused = app.number("SELECT count(*) AS n FROM refunds WHERE state = 'refused'").await;
    assert_eq!(refused, 0);
    // Nobody wins always, when they race often: the races are races.
    for kind in ["accepted", "auto_accepted", "settled", "dropped"] {
        let query = format!("SELECT count(*) AS n FROM milestone_decisions WHERE kind = '{kind}'");
        let won = app.number(&query).await;
        println!("{kind}: {won} of {}", PAIRS.len() * times());
        assert!(won > 0 || times() < 100, "{kind} never won");
    }
    deal.app.stop().await;
}
