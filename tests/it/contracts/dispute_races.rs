//! The award, the acceptance of an offer and the withdrawal race for a dispute, in each pair: one wins, and money moves
//! once or not at all. `ASSAY_RACES=100` races each pair a hundred times.

use assay_kernel::money::Currency;
use assay_kernel::{Money, Permission};
use assay_ledger::Event;
use assay_payments::Funding;
use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use super::races::{Rows, columns, times};
use super::{Deal, active, uuid_of};
use crate::harness::{Answer, Person};

/// What the second milestone is about: an award over it needs no second person.
const AMOUNT: i64 = 450_000;

struct Copy {
    milestone: Uuid,
    dispute: Uuid,
    offer: Uuid,
}

/// Copies everything that hangs on the dispute, and pays for the copy; what arrives of it is to be frozen.
async fn copy(deal: &Deal, from: &Copy) -> Copy {
    let app = &deal.app;
    let id = || app.ctx().ids.uuid();
    let (contract, milestone, dispute, offer, project, bid) = (id(), id(), id(), id(), id(), id());
    let original = uuid_of(&deal.contract);
    let is = |id: Uuid| format!("'{id}'::uuid");
    let renamed = |column: &str| {
        format!("replace({column}::text, '{}', '{}')::jsonb", from.milestone.simple(), milestone.simple())
    };
    let rows: Vec<Rows> = vec![
        (
            "projects",
            format!("id = (SELECT project_id FROM contracts WHERE id = '{original}')"),
            vec![("id", is(project))],
        ),
        (
            "bids",
            format!("id = (SELECT bid_id FROM contracts WHERE id = '{original}')"),
            vec![("id", is(bid)), ("project_id", is(project))],
        ),
        (
            "contracts",
            format!("id = '{original}'"),
            vec![
                ("id", is(contract)),
                ("project_id", is(project)),
                ("bid_id", is(bid)),
                ("terms", renamed("terms")),
            ],
        ),
        (
            "milestones",
            format!("id = '{}'", from.milestone),
            vec![
                ("id", is(milestone)),
                ("contract_id", is(contract)),
                ("document", renamed("document")),
                ("open_dispute_id", "NULL".to_owned()),
            ],
        ),
        (
            "disputes",
            format!("id = '{}'", from.dispute),
            vec![("id", is(dispute)), ("contract_id", is(contract)), ("milestone_id", is(milestone))],
        ),
        (
            "dispute_offers",
            format!("id = '{}'", from.offer),
            vec![("id", is(offer)), ("dispute_id", is(dispute))],
        ),
    ];
    for (table, filter, replaced) in rows {
        let (into, values) = columns(app, table, &replaced).await;
        app.sql(&format!("INSERT INTO {table} ({into}) SELECT {values} FROM {table} WHERE {filter}"))
            .await
            .unwrap();
    }
    app.sql(&format!("UPDATE milestones SET open_dispute_id = '{dispute}' WHERE id = '{milestone}'"))
        .await
        .unwrap();
    let usd = |amount| Money::new(amount, Currency::USD);
    let funding = Funding {
        milestone,
        contract,
        organisation: deal.client.organisation().parse().unwrap(),
        amount: usd(AMOUNT),
        fee: usd(67_500),
        method: deal.client.method().parse().unwrap(),
    };
    let ctx = app.ctx();
    ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await).await.unwrap();
    Copy { milestone, dispute, offer }
}

/// Freezes what has arrived for copies, as the opening of their dispute would have.
async fn freeze(deal: &Deal, copies: &[Copy]) {
    deal.settle().await;
    for Copy { milestone, dispute, .. } in copies {
        let amount = Money::new(AMOUNT, Currency::USD);
        let frozen = Event::HeldBack { id: *dispute, milestone: *milestone, amount };
        assay_ledger::post(deal.app.ctx(), &frozen, None).await.unwrap();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Racer {
    Award,
    Accept,
    Withdraw,
}

struct Field<'a> {
    deal: &'a Deal,
    arbitrator: Person,
    rule: Value,
}

impl Racer {
    fn run<'a>(self, field: &'a Field<'a>, copy: &'a Copy) -> LocalBoxFuture<'a, Answer> {
        let (app, client) = (&field.deal.app, &field.deal.client);
        let dispute = format!("/v1/disputes/dsp_{}", copy.dispute.simple());
        async move {
            match self {
                Racer::Award => {
                    let mut rule = field.rule.clone();
                    // The finding rests on the original's deliverable, which the copy has too.
                    rule["reason"] = json!("Decided while the sides were still talking to each other.");
                    app.post(&format!("{dispute}/award")).by(&field.arbitrator).json(rule).send().await
                }
                Racer::Accept => {
                    let path = format!("/v1/dispute_offers/dof_{}/accept", copy.offer.simple());
                    app.post(&path).by(client).send().await
                }
                Racer::Withdraw => app.post(&format!("{dispute}/withdraw")).by(client).send().await,
            }
        }
        .boxed_local()
    }
}

async fn race(field: &Field<'_>, from: &Copy, one: Racer, other: Racer) {
    let app = &field.deal.app;
    let mut copies = Vec::new();
    for _ in 0..times() {
        copies.push(copy(field.deal, from).await);
    }
    freeze(field.deal, &copies).await;
    let answers: Vec<_> = stream::iter(&copies)
        .map(|copy| async move { futures_util::join!(one.run(field, copy), other.run(field, copy)) })
        .buffer_unordered(2)
        .collect()
        .await;
    for (a, b) in &answers {
        let mut got = [a.status, b.status];
        got.sort_unstable();
        assert_eq!(got, [200, 409], "{one:?} against {other:?}: {a} {b}");
    }
    for copy in &copies {
        let count = |query: String| async move { app.number(&query).await };
        let id = copy.dispute;
        let settled =
            count(format!("SELECT count(*) AS n FROM disputes WHERE id = '{id}' AND state = 'settled'"))
                .await;
        let ended = count(format!(
            "SELECT count(*) AS n FROM disputes WHERE id = '{id}' AND state IN ('settled', 'awarded', 'withdrawn')"
        ))
        .await;
        let decisions = count(format!(
            "SELECT count(*) AS n FROM milestone_decisions WHERE milestone_id = '{}'",
            copy.milestone
        ))
        .await;
        assert_eq!((ended, decisions), (1, settled), "{one:?} against {other:?}");
    }
    app.settle().await;
    app.assert_whole().await;
}

#[tokio::test]
async fn an_award_an_acceptance_and_a_withdrawal_have_one_winner() {
    let deal = active(json!({})).await;
    deal.pay(1).await;
    let path = deal.arbitrated(1, 0, AMOUNT, AMOUNT).await;
    let offers = format!("{path}/offers");
    let offer = json!({ "developer_amount": 200_000 });
    let made = deal.app.post(&offers).by(&deal.developer).json(offer).expect(201).await;
    let plain = |text: String| text.split_once('_').unwrap().1.parse::<Uuid>().unwrap();
    let from = Copy {
        milestone: uuid_of(&deal.milestones[1]),
        dispute: plain(path.rsplit('/').next().unwrap().to_owned()),
        offer: plain(made.text_at("/offers/0/id")),
    };
    let arbitrator = deal.app.staff("staff-theo", Permission::Reviewer).await;
    let rule = deal.ruling(1, 225_000, 225_000).await;
    let field = Field { deal: &deal, arbitrator, rule };
    for (one, other) in
        [(Racer::Award, Racer::Accept), (Racer::Award, Racer::Withdraw), (Racer::Accept, Racer::Withdraw)]
    {
        race(&field, &from, one, other).await;
    }
    deal.app.stop().await;
}
