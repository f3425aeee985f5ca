//! Approve, refund, timer and change order race for one milestone's money, in each pair: exactly one decision,
//! exactly one effect in the ledger. `ASSAY_RACES=100` races each pair a hundred times.

use assay_kernel::Money;
use assay_kernel::money::Currency;
use assay_ledger::Event;
use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream;
use serde_json::json;
use uuid::Uuid;

use super::{Deal, active, assert_whole, uuid_of};
use crate::harness::{Answer, TestApp};

/// How often each pair races.
pub fn times() -> usize {
    std::env::var("ASSAY_RACES").ok().and_then(|times| times.parse().ok()).unwrap_or(8)
}

/// A copy of the contract whose milestone is delivered, with a proposal to end it and a change order that drops it.
struct Copy {
    contract: Uuid,
    milestone: Uuid,
    order: Uuid,
}

/// A delivered milestone over which both an open proposal to end the contract (with nothing for the developer) and an
/// open change order that drops it hang.
async fn original() -> (Deal, Copy) {
    let deal = active(json!({})).await;
    deal.deliver(0).await;
    let ending = json!({ "reason": "The company is wound up this month." });
    deal.act(&deal.developer, &deal.contract, "propose_termination", ending).await.assert_status(200);
    let drop = json!({ "reason": "The import is bought elsewhere.",
        "drop": [deal.milestones[0].rsplit('/').next().unwrap()] });
    let path = format!("{}/change_orders", deal.contract);
    let order = deal.app.post(&path).by(&deal.client).json(drop).expect(201).await.id();
    let order = order.split_once('_').unwrap().1.parse().unwrap();
    let copy = Copy { contract: uuid_of(&deal.contract), milestone: uuid_of(&deal.milestones[0]), order };
    (deal, copy)
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

/// Copies everything that hangs on the contract, and books the money of the copy.
async fn copy(deal: &Deal, from: &Copy) -> Copy {
    let app = &deal.app;
    let id = || app.ctx().ids.uuid();
    let (contract, milestone, order, project, bid) = (id(), id(), id(), id(), id());
    let text = |id: Uuid| id.simple().to_string();
    let renamed = |column: &str| {
        format!("replace({column}::text, '{}', '{}')::jsonb", text(from.milestone), text(milestone))
    };
    let is = |id: Uuid| format!("'{id}'::uuid");
    let rows: Vec<Rows> = vec![
        (
            "projects",
            format!("id = (SELECT project_id FROM contracts WHERE id = '{}')", from.contract),
            vec![("id", is(project))],
        ),
        (
            "bids",
            format!("id = (SELECT bid_id FROM contracts WHERE id = '{}')", from.contract),
            vec![("id", is(bid)), ("project_id", is(project))],
        ),
        (
            "contracts",
            format!("id = '{}'", from.contract),
            vec![
                ("id", is(contract)),
                ("project_id", is(project)),
                ("bid_id", is(bid)),
                ("terms", renamed("terms")),
            ],
        ),
        (
            "change_orders",
            format!("id = '{}'", from.order),
            vec![("id", is(order)), ("contract_id", is(contract)), ("changes", renamed("changes"))],
        ),
        (
            "milestones",
            format!("id = '{}'", from.milestone),
            vec![
                ("id", is(milestone)),
                ("contract_id", is(contract)),
                ("document", renamed("document")),
                // The review is over: the timer may fire.
                ("review_until", "now() - interval '1 minute'".to_owned()),
            ],
        ),
        (
            "payments",
            format!("milestone = '{}'", from.milestone),
            vec![
                ("id", is(id())),
                ("milestone", is(milestone)),
                ("contract", is(contract)),
                ("charge", format!("'ch_{milestone}'")),
                ("balance_transaction", format!("'txn_{milestone}'")),
            ],
        ),
    ];
    for (table, filter, replaced) in rows {
        let (into, values) = columns(app, table, &replaced).await;
        app.sql(&format!("INSERT INTO {table} ({into}) SELECT {values} FROM {table} WHERE {filter}"))
            .await
            .unwrap();
    }
    let (id, zero) = (id(), "2020-01-01");
    app.sql(&format!(
        "INSERT INTO timers (id, machine, subject, event, due_at, created_at)
         VALUES ('{id}', 'milestone', '{milestone}', 'auto_accept', '{zero}', '{zero}')"
    ))
    .await
    .unwrap();
    let usd = |amount| Money::new(amount, Currency::USD);
    let funded = Event::Funded {
        provider: format!("txn_{milestone}"),
        milestone,
        amount: usd(630_000),
        fee: usd(94_500),
    };
    assay_ledger::post(app.ctx(), &funded, Some(contract)).await.unwrap();
    Copy { contract, milestone, order }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Racer {
    Approve,
    Refund,
    Timer,
    Change,
}

impl Racer {
    fn run<'a>(self, deal: &'a Deal, copy: &'a Copy) -> LocalBoxFuture<'a, Option<Answer>> {
        let app = &deal.app;
        let act = |path: String| app.post(&path).by(&deal.client).if_match("*");
        let simple = |id: Uuid| id.simple();
        async move {
            Some(match self {
                Racer::Approve => {
                    let path = format!("/v1/milestones/mst_{}/accept", simple(copy.milestone));
                    act(path).json(json!({})).send().await
                }
                Racer::Refund => {
                    act(format!("/v1/contracts/ctr_{}/accept_termination", simple(copy.contract)))
                        .send()
                        .await
                }
                Racer::Change => {
                    let path = format!("/v1/change_orders/cho_{}/accept", simple(copy.order));
                    app.post(&path).by(&deal.developer).if_match("*").send().await
                }
                Racer::Timer => return None,
            })
        }
        .boxed_local()
    }
}

async fn race(deal: &Deal, from: &Copy, one: Racer, other: Racer) {
    let app = &deal.app;
    let mut copies = Vec::new();
    for _ in 0..times() {
        copies.push(copy(deal, from).await);
    }
    let racing = stream::iter(&copies)
        .map(|copy| async move { futures_util::join!(one.run(deal, copy), other.run(deal, copy)) })
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
    app.work().await;
    for copy in &copies {
        let id = copy.milestone;
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
    assert_whole(app).await;
}

#[tokio::test]
async fn each_pair_has_one_winner() {
    let (deal, from) = original().await;
    // The original itself is out of the race.
    deal.app.sql("UPDATE milestones SET review_until = review_until + interval '300 days'").await.unwrap();
    for (one, other) in [
        (Racer::Approve, Racer::Refund),
        (Racer::Approve, Racer::Change),
        (Racer::Refund, Racer::Change),
        (Racer::Approve, Racer::Timer),
        (Racer::Refund, Racer::Timer),
        (Racer::Change, Racer::Timer),
    ] {
        race(&deal, &from, one, other).await;
    }
    // Nobody wins always, when they race often: the races are races.
    for kind in ["accepted", "auto_accepted", "settled", "dropped"] {
        let query = format!("SELECT count(*) AS n FROM milestone_decisions WHERE kind = '{kind}'");
        let won = deal.app.number(&query).await;
        println!("{kind}: {won} of {}", 6 * times());
        assert!(won > 0 || times() < 100, "{kind} never won");
    }
    deal.app.stop().await;
}
