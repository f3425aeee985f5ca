//! kill -9 of server, worker and PostgreSQL at every boundary between them and the provider, and at random times: what
//! was acknowledged is there, and was done once.
//!
//! Each boundary is a place of `assay_platform::places`, where the process stops itself and is killed. By default each
//! is tried once, by one victim; `ASSAY_FAULTS=n` tries each with every victim and adds n rounds of random kills and faults
//! (`scripts/faults`), and prints the table.

mod deals;
mod stage;

use std::time::Duration;

use assay_kernel::Entropy;
use serde_json::json;

use deals::{Acknowledged, Act, Deals, effects, provider};
use stage::{Stage, Victim, until};

/// Who comes to which place, after what, and what the boundary is called.
const BOUNDARIES: &[(Victim, &str, &str)] = &[
    (Victim::Server, "command.written", "decision and request written, not committed"),
    (Victim::Server, "answer.committed", "committed, not answered"),
    (Victim::Server, "event.keeping", "webhook written, not committed"),
    (Victim::Server, "event.kept", "webhook kept, not answered"),
    (Victim::Worker, "command.claimed", "request claimed, not sent"),
    (Victim::Worker, IN_FLIGHT, "request sent, not answered"),
    (Victim::Worker, "command.sent", "done by the provider, answer not written"),
    (Victim::Worker, "command.settling", "answer written, not committed"),
    (Victim::Worker, "command.settled", "answer committed, job not ended"),
    (Victim::Worker, "event.claimed", "between inbox and apply"),
    (Victim::Worker, "event.applied", "applied, event not ended"),
    (Victim::Worker, "sweep.page", "between page and cursor of the sweep"),
    (Victim::Worker, "reconcile.page", "between page and cursor of the comparison"),
];
/// No place of the process: it waits for the provider.
const IN_FLIGHT: &str = "in flight";
/// Acts of one round of random kills.
const ACTS: usize = 4;

/// A line of the table.
struct Line {
    what: String,
    kills: u64,
    faults: u64,
    acknowledged: usize,
    lost: usize,
    doubled: usize,
}

struct Run {
    stage: Stage,
    deals: Deals,
    lines: Vec<Line>,
    acknowledged: Vec<Acknowledged>,
    /// Milestones that are paid, or about to be.
    paid: Vec<String>,
    random: Entropy,
}

fn number(random: &Entropy, below: u64) -> u64 {
    u64::from_le_bytes(random.bytes()) % below.max(1)
}

impl Run {
    fn acknowledge(&mut self, act: Act, milestone: &str) {
        let line = self.lines.len();
        self.acknowledged.push(Acknowledged { line, act, milestone: milestone.to_owned() });
    }

    fn line(&mut self, what: String, kills_before: u64, faults: u64) {
        let kills = self.stage.kills - kills_before;
        self.lines.push(Line { what, kills, faults, acknowledged: 0, lost: 0, doubled: 0 });
    }

    async fn order(&self, path: &str, body: serde_json::Value) {
        let url = self.stage.app.stripe.base_url().join(path).expect("a URL");
        let sent = self.stage.app.http.post(url).json(&body).send().await;
        assert!(sent.expect("the sandbox answers").status().is_success());
    }

    /// How often the sandbox was asked for a payment.
    async fn asked(&self) -> u64 {
        let url = self.stage.app.stripe.base_url().join("/_sandbox/requests").expect("a URL");
        let counts: serde_json::Value =
            self.stage.app.http.get(url).send().await.expect("counts").json().await.expect("JSON");
        counts["POST /v1/payment_intents"].as_u64().unwrap_or(0)
    }

    /// Kills at one boundary while a milestone is paid for.
    async fn boundary(&mut self, of: Victim, place: &str, name: &str, victim: Victim) {
        let kills = self.stage.kills;
        let milestone = self.deals.take();
        self.deals.come_in(&self.stage).await;
        let hourly = place.ends_with(".page");
        let before = self.asked().await;
        if place == IN_FLIGHT {
            let slow =
                json!({ "kind": "slow", "method": "POST", "prefix": "/v1/payment_intents", "millis": 1_500 });
            self.order("/_sandbox/faults", slow).await;
        } else {
            self.stage.arm(place);
        }
        if hourly {
            self.stage.advance(3_700).await;
            self.deals.come_in(&self.stage).await;
        }
        // The act waits for its answer, which may come only after everything runs again.
        {
            let Run { stage, deals, .. } = self;
            let stopped = async {
                let asked = |stage: &Stage| {
                    let url = stage.app.stripe.base_url().join("/_sandbox/requests").expect("a URL");
                    stage.app.http.get(url).send()
                };
                let waited = until(name, async || {
                    if place != IN_FLIGHT {
                        return stage.is_stopped(of);
                    }
                    let counts: serde_json::Value =
                        asked(stage).await.expect("counts").json().await.expect("JSON");
                    counts["POST /v1/payment_intents"].as_u64().unwrap_or(0) > before
                });
                waited.await;
            };
            let fund = deals.fund(stage, &milestone);
            tokio::pin!(fund, stopped);
            tokio::select! {
                biased;
                () = &mut stopped => {}
                () = &mut fund => (&mut stopped).await,
            }
        }
        self.stage.kill(victim).await;
        self.stage.disarm();
        self.stage.run_all().await;
        // Under the same key: whether the first try was acknowledged or not.
        self.deals.fund(&self.stage, &milestone).await;
        self.acknowledge(Act::Fund, &milestone.1);
        self.paid.push(milestone.1);
        self.line(format!("{name}; {victim:?} killed"), kills, u64::from(place == IN_FLIGHT));
        // Leases end.
        self.stage.app.advance_clock(Duration::from_secs(120)).await;
    }

    /// Random acts while random processes are killed at random times, and the provider fails at random.
    async fn random_round(&mut self, round: u64) {
        let kills = self.stage.kills;
        let faults = 1 + number(&self.random, 4);
        for _ in 0..faults {
            let kind = [
                "error_before",
                "error_after",
                "lost_answer",
                "rate_limited",
                "key_in_use",
                "webhook_drop",
                "webhook_duplicate",
                "webhook_delay",
                "webhook_early",
                "stored_error",
            ];
            let kind = kind[usize::try_from(number(&self.random, kind.len() as u64)).unwrap_or(0)];
            let prefix = if kind.starts_with("webhook") { "" } else { "/v1/" };
            self.order("/_sandbox/faults", json!({ "kind": kind, "prefix": prefix })).await;
        }
        for _ in 0..ACTS {
            let wait = Duration::from_millis(number(&self.random, 700));
            let victim = [Victim::Server, Victim::Worker, Victim::PostgreSql]
                [usize::try_from(number(&self.random, 3)).unwrap_or(0)];
            let milestone = self.deals.take();
            self.deals.come_in(&self.stage).await;
            {
                let Run { stage, deals, .. } = &mut *self;
                let fund = deals.fund(stage, &milestone);
                tokio::pin!(fund);
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(wait) => {}
                    () = &mut fund => {}
                }
            }
            self.stage.kill(victim).await;
            self.stage.run_all().await;
            self.deals.fund(&self.stage, &milestone).await;
            self.acknowledge(Act::Fund, &milestone.1);
            self.paid.push(milestone.1);
        }
        self.stage.advance(600).await;
        self.line(format!("random times, round {round}"), kills, faults);
    }

    /// Pays out every other paid milestone and gives the others back; somebody is killed at each.
    async fn decide_all(&mut self, victims: &[Victim]) {
        self.deals.come_in(&self.stage).await;
        let (kills, paid) = (self.stage.kills, std::mem::take(&mut self.paid));
        for (n, milestone) in paid.iter().enumerate() {
            let (stage, deals) = (&self.stage, &self.deals);
            let act = if n % 2 == 0 {
                deals.deliver(stage, milestone).await;
                deals.accept(stage, milestone).await;
                Act::Accept
            } else {
                deals.ask_back(stage, milestone).await;
                deals.grant(stage, milestone).await;
                Act::Refund
            };
            self.acknowledge(act, milestone);
            if let Some(victim) = victims.get(n) {
                tokio::time::sleep(Duration::from_millis(number(&self.random, 300))).await;
                self.stage.kill(*victim).await;
                self.stage.run_all().await;
            }
        }
        self.line("releases and refunds, random times".to_owned(), kills, 0);
    }

    /// Time passes until all is done, killing nobody.
    async fn converge(&mut self, days: u64) {
        self.order("/_sandbox/reset", json!({})).await;
        for seconds in [180, 1_200, 3_700] {
            self.stage.pass(seconds).await;
        }
        for _ in 0..days {
            self.stage.pass(86_400).await;
        }
    }

    /// What the provider did for each acknowledged act: once, or it was lost or doubled.
    async fn judge(&mut self) {
        let app = &self.stage.app;
        let (charges, transfers, refunds) = (
            provider(app, "charges").await,
            provider(app, "transfers").await,
            provider(app, "refunds").await,
        );
        for done in &self.acknowledged {
            let line = &mut self.lines[done.line];
            line.acknowledged += 1;
            match effects(done, &charges, &transfers, &refunds) {
                0 => line.lost += 1,
                1 => {}
                more => line.doubled += more - 1,
            }
        }
        // Nor did it do anything that nobody asked for.
        let asked = self.acknowledged.len();
        assert_eq!(
            charges.len() + transfers.len() + refunds.len(),
            asked,
            "the provider did as much as was asked"
        );
    }

    fn print(&self) {
        println!("| boundary | kills | faults | acknowledged | lost | doubled |\n|---|---|---|---|---|---|");
        for Line { what, kills, faults, acknowledged, lost, doubled } in &self.lines {
            println!("| {what} | {kills} | {faults} | {acknowledged} | {lost} | {doubled} |");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "takes minutes: scripts/faults runs it"]
async fn whoever_is_killed_what_was_acknowledged_is_done_once() {
    let rounds: Option<u64> = std::env::var("ASSAY_FAULTS").ok().map(|text| text.parse().expect("a number"));
    let seed = std::env::var("ASSAY_SEED").ok().map_or(1, |text| text.parse().expect("a number"));
    let mut stage = Stage::set().await;
    let mut deals = Deals::begin(&stage.app).await;
    let boundaries: Vec<(Victim, &str, &str, Victim)> = BOUNDARIES
        .iter()
        .enumerate()
        .flat_map(|(n, (of, place, name))| {
            // By default every third time the database dies instead.
            let victims = match rounds {
                Some(_) => vec![*of, Victim::PostgreSql],
                None if n % 3 == 2 => vec![Victim::PostgreSql],
                None => vec![*of],
            };
            victims.into_iter().map(move |victim| (*of, *place, *name, victim))
        })
        .collect();
    let acts = boundaries.len() + usize::try_from(rounds.unwrap_or(0)).unwrap_or(0) * ACTS;
    while deals.left() < acts {
        deals.sign(&stage.app).await;
    }
    stage.app.work().await;
    stage.app.hand_over().await;
    stage.run_all().await;

    let (lines, acknowledged, paid) = (Vec::new(), Vec::new(), Vec::new());
    let mut run = Run { stage, deals, lines, acknowledged, paid, random: Entropy::seeded(seed) };
    for (of, place, name, victim) in boundaries {
        run.boundary(of, place, name, victim).await;
    }
    for round in 0..rounds.unwrap_or(0) {
        run.random_round(round).await;
    }
    run.converge(0).await;
    let victims: &[Victim] = match rounds {
        Some(_) => &[
            Victim::Worker,
            Victim::Server,
            Victim::PostgreSql,
            Victim::Worker,
            Victim::PostgreSql,
            Victim::Server,
        ],
        None => &[Victim::Worker, Victim::Server],
    };
    run.decide_all(victims).await;
    run.converge(8).await;
    run.judge().await;
    run.print();
    let faults = run.lines.iter().any(|line| line.lost + line.doubled > 0);
    assert!(!faults, "{}", run.stage.logs());
    let open = "SELECT (SELECT count(*) FROM provider_commands WHERE settled_at IS NULL)
        + (SELECT count(*) FROM provider_events WHERE state NOT IN ('done', 'ignored'))
        + (SELECT count(*) FROM jobs WHERE dead_at IS NOT NULL) AS n";
    assert_eq!(run.stage.app.number(open).await, 0, "nothing is left undone\n{}", run.stage.logs());
    let check = run.stage.ledger_check();
    assert!(check.is_ok(), "{check:?}");
    run.stage.strike().await;
}
