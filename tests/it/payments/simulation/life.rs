//! One life: acts, faults and deaths in an order that the seed gives, then convergence.

use std::time::Duration;

use assay_kernel::{Code, Entropy, Error};
use assay_ledger::{Event, Held};
use assay_payments::Funding;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::usd;
use super::book::{Bank, Decision, Milestone, What};
use super::door::ask;
use super::world::World;
use super::{PLACES, Tally};

const STEPS: u64 = 16;
const REQUEST_FAULTS: &[&str] = &[
    "error_before",
    "error_after",
    "lost_answer",
    "stored_error",
    "stored_error_after",
    "rate_limited",
    "key_in_use",
];
const HOOK_FAULTS: &[&str] =
    &["webhook_duplicate", "webhook_reorder", "webhook_delay", "webhook_drop", "webhook_early"];
const PATHS: &[&str] = &[
    "/v1/payment_intents",
    "/v1/transfers",
    "/v1/refunds",
    "/v1/charges",
    "/v1/balance",
    "/v1/events",
    "/v1/payouts",
    "/v1/disputes",
    "/v1/",
];
const EVENTS: &[&str] = &["payment_intent", "charge", "transfer", "refund", "payout", "charge.dispute", ""];

/// A life.
pub struct Life<'a> {
    pub world: &'a World,
    pub contract: Uuid,
    pub developer: usize,
    pub milestones: Vec<Milestone>,
    seed: u64,
    random: Entropy,
    ids: u64,
    /// The second worker's clock.
    skew: i64,
    negative: bool,
    pub credit_before: i64,
    story: Vec<String>,
    tally: Tally,
}

impl<'a> Life<'a> {
    pub fn new(world: &'a World, seed: u64) -> Self {
        let mut life = Self {
            world,
            contract: Uuid::from_u64_pair(0x51b0_0000_0000_4000 | (seed << 16), 0x8000_0000_0000_0000),
            developer: 0,
            milestones: Vec::new(),
            seed,
            random: Entropy::seeded(seed),
            ids: 0,
            skew: 0,
            negative: false,
            credit_before: 0,
            story: Vec::new(),
            tally: Tally::default(),
        };
        life.developer = life.below(world.developers.len());
        (life.skew, life.negative) = ([-600, -60, 0, 60, 600][life.below(5)], life.number(2) == 0);
        for _ in 0..1 + u64::from(life.number(3) == 0) {
            let method = if life.number(2) == 0 { 0 } else { life.below(world.methods.len()) };
            let amount = 60_000 + i64::try_from(life.number(90_000)).unwrap_or(0);
            let id = life.id();
            life.milestones.push(Milestone::new(id, method, world.methods[method].fate, amount));
        }
        life
    }

    /// The story, and what came about.
    pub fn end(self) -> (Vec<String>, Tally) {
        (self.story, self.tally)
    }

    pub fn number(&self, below: u64) -> u64 {
        u64::from_le_bytes(self.random.bytes()) % below.max(1)
    }

    fn below(&self, length: usize) -> usize {
        usize::try_from(self.number(length as u64)).unwrap_or(0)
    }

    fn one<'b>(&self, of: &'b [&'b str]) -> &'b str {
        of[self.below(of.len())]
    }

    /// An id that is this life's in every run.
    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u64_pair(0x51b0_0000_0000_4000 | (self.seed << 16), 0x8000_0000_0000_0000 | self.ids)
    }

    pub fn tell(&mut self, line: String) {
        let at = self.world.app.now().format("%d.%H:%M:%S");
        self.story.push(format!("{at} {line}"));
    }

    pub fn note(&mut self, what: &str) {
        self.tally.note(what);
    }

    /// Lives it.
    pub async fn live(&mut self) -> Result<(), String> {
        self.world.settings(0, self.negative).await;
        self.credit_before = self.credit().await;
        for milestone in &self.milestones {
            let line = format!(
                "{} of {} with {}",
                milestone.id, milestone.amount, self.world.methods[milestone.method].name
            );
            self.story.push(line);
        }
        for at in 0..self.milestones.len() {
            self.fund(at).await?;
        }
        for _ in 0..STEPS {
            self.step().await?;
        }
        self.converge().await?;
        self.check().await
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.number(24) {
            0 => self.fund(self.any()).await,
            1..=5 => self.release().await,
            6 | 7 => self.refund().await,
            8 => self.take_back().await,
            9 => self.again().await,
            10 => self.both().await,
            11 => self.hold_back().await,
            12 | 13 => self.fault().await,
            14 => self.bank().await,
            15 => self.provider().await,
            16..=18 => {
                self.work(true).await;
                Ok(())
            }
            19 => {
                self.world.schedule().await;
                self.work(true).await;
                Ok(())
            }
            _ => {
                let by = [1, 40, 120, 900, 3_600, 21_600, 86_400, 432_000][self.below(8)];
                self.tell(format!("{by} s pass"));
                self.world.advance(Duration::from_secs(by), self.skew);
                self.work(false).await;
                Ok(())
            }
        }
    }

    /// Webhooks or none, then one or both workers, perhaps to their death.
    async fn work(&mut self, may_die: bool) {
        let delivered = if self.number(3) > 0 { self.world.deliver().await } else { 0 };
        let who = self.number(3);
        if may_die && self.number(4) > 0 {
            let (place, after) = (PLACES[1 + self.below(PLACES.len() - 1)], 1 + self.number(2));
            let done = self.world.until_dead(place, after, self.world.work(who)).await;
            match done {
                None => {
                    self.note(&format!("died at {place}"));
                    self.tell(format!(
                        "worker {who} dies at {place}, the {after}. time; {delivered} webhooks"
                    ));
                }
                Some(done) => self.tell(format!("worker {who}: {done} jobs; {delivered} webhooks")),
            }
        } else {
            let done = self.world.work(who).await;
            self.tell(format!("worker {who}: {done} jobs; {delivered} webhooks"));
        }
    }

    fn any(&self) -> usize {
        self.below(self.milestones.len())
    }

    async fn fund(&mut self, at: usize) -> Result<(), String> {
        let (milestone, world) = (&self.milestones[at], self.world);
        let funding = Funding {
            milestone: milestone.id,
            contract: self.contract,
            organisation: world.organisation,
            amount: usd(milestone.amount),
            fee: usd(milestone.fee()),
            method: world.methods[milestone.method].id,
        };
        let ctx = world.app.ctx();
        let work = ctx.db.tx(async |conn| assay_payments::fund_in(ctx, conn, &funding).await);
        let done = self.dying(work).await;
        self.tell(format!("fund {at}: {}", shown(&done)));
        match done {
            Some(Ok(_)) => self.milestones[at].asked += 1,
            Some(Err(error)) if error.code() != Code::StateConflict => return Err(error.chain()),
            _ => {}
        }
        Ok(())
    }

    /// Every fifth time the decision dies before it is committed.
    async fn dying<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        if self.number(5) > 0 {
            return Some(work.await);
        }
        let done = self.world.until_dead(PLACES[0], 1, work).await;
        if done.is_none() {
            self.note(&format!("died at {}", PLACES[0]));
        }
        done
    }

    /// Mostly a part of what is there, or all of it; sometimes more.
    fn some(&self, there: i64) -> i64 {
        match self.number(6) {
            0..=2 => 1 + i64::try_from(self.number(there.max(1).unsigned_abs())).unwrap_or(0),
            3 | 4 => there.max(1),
            _ => there + 1 + i64::try_from(self.number(1_000)).unwrap_or(0),
        }
    }

    fn held(&self, at: usize) -> Held {
        if self.milestones[at].frozen() > 0 && self.number(2) == 0 { Held::Frozen } else { Held::Free }
    }

    fn a_release(&mut self) -> (usize, Decision) {
        let at = self.any();
        let held = self.held(at);
        let milestone = &self.milestones[at];
        let amount = self.some(milestone.held(held));
        let (client_fee, developer_fee) =
            (milestone.client_fee_with(amount), milestone.developer_fee_with(amount));
        let what = What::Release { held, amount, developer_fee, client_fee };
        (at, Decision { id: self.id(), what, undone: false })
    }

    fn a_refund(&mut self, at: usize) -> Decision {
        let held = self.held(at);
        let milestone = &self.milestones[at];
        let amount = self.some(milestone.held(held));
        let fee = milestone.client_fee_with(amount);
        Decision { id: self.id(), what: What::Refund { held, amount, fee }, undone: false }
    }

    async fn release(&mut self) -> Result<(), String> {
        self.listen().await?;
        let (at, decision) = self.a_release();
        self.decide(at, decision).await
    }

    async fn refund(&mut self) -> Result<(), String> {
        self.listen().await?;
        let at = self.any();
        let decision = self.a_refund(at);
        self.decide(at, decision).await
    }

    async fn take_back(&mut self) -> Result<(), String> {
        self.listen().await?;
        let at = self.any();
        let (earned, fees) = self.milestones[at].earned();
        if earned <= 0 || self.milestones[at].bank == Bank::Lost {
            return Ok(());
        }
        let amount = self.some(earned).min(earned);
        let fee = if amount == earned { fees } else { fees * amount / earned.max(1) };
        let decision = Decision { id: self.id(), what: What::TakeBack { amount, fee }, undone: false };
        self.decide(at, decision).await
    }

    /// A decision that was carried out, once more: nothing happens.
    async fn again(&mut self) -> Result<(), String> {
        let at = self.any();
        let milestone = &self.milestones[at];
        if milestone.decisions.is_empty() {
            return Ok(());
        }
        let decision = milestone.decisions[self.below(milestone.decisions.len())].clone();
        let done = self.ask(at, decision).await;
        let shown = shown(&Some(done));
        self.tell(format!("the same again for {at}: {shown}"));
        Ok(())
    }

    /// A release and a refund of all that is there, at once.
    async fn both(&mut self) -> Result<(), String> {
        self.listen().await?;
        let (at, release) = self.a_release();
        let refund = self.a_refund(at);
        let (one, other) = futures_util::join!(self.ask(at, release.clone()), self.ask(at, refund.clone()));
        self.judge(at, release, Some(one), true)?;
        self.judge(at, refund, Some(other), true)
    }

    async fn decide(&mut self, at: usize, decision: Decision) -> Result<(), String> {
        let work = ask(
            self.world,
            self.contract,
            self.developer,
            self.milestones[at].id,
            decision.clone(),
            self.due(),
        );
        let done = self.dying(work).await;
        self.judge(at, decision, done, false)
    }

    /// Days until a release is sent.
    fn due(&self) -> i64 {
        [0, 0, 1, 5][self.below(4)]
    }

    async fn ask(&self, at: usize, decision: Decision) -> Result<(), Error> {
        ask(self.world, self.contract, self.developer, self.milestones[at].id, decision, self.due()).await
    }

    /// Holds the door's answer against the book, and writes down what was acknowledged.
    fn judge(
        &mut self,
        at: usize,
        decision: Decision,
        done: Option<Result<(), Error>>,
        racing: bool,
    ) -> Result<(), String> {
        self.tell(format!("{:?} of {at}: {}", decision.what, shown(&done)));
        let milestone = &self.milestones[at];
        let (there, wanted, word) = match decision.what {
            What::Release { held, amount, .. } => (milestone.held(held), amount, "released"),
            What::Refund { held, amount, .. } => (milestone.held(held), amount, "refunded"),
            What::TakeBack { amount, .. } => (milestone.earned().0, amount, "taken back"),
        };
        let affords = milestone.funded && wanted <= there;
        match done {
            None => Ok(()),
            Some(Ok(())) if affords => {
                self.note(word);
                self.milestones[at].decisions.push(decision);
                Ok(())
            }
            Some(Ok(())) => Err(format!("{there} of {} is there, and it was taken", milestone.id)),
            Some(Err(error)) if !matches!(error.code(), Code::StateConflict | Code::InsufficientFunds) => {
                Err(error.chain())
            }
            Some(Err(_)) if affords && milestone.is_plain() && !racing => {
                Err(format!("{there} of {} is there, and it was refused", milestone.id))
            }
            Some(Err(_)) => Ok(()),
        }
    }

    /// A part of what is held waits for a condition: the higher domain books that itself.
    async fn hold_back(&mut self) -> Result<(), String> {
        self.listen().await?;
        let at = self.any();
        let (id, milestone) = (self.id(), &self.milestones[at]);
        let amount = milestone.free() / 5;
        if amount == 0 || milestone.bank != Bank::Silent || !milestone.is_plain() {
            return Ok(());
        }
        let event = Event::HeldBack { id, milestone: milestone.id, amount: usd(amount) };
        let done = assay_ledger::post(self.world.app.ctx(), &event, Some(self.contract)).await;
        self.tell(format!("{amount} of {at} held back: {done:?}"));
        done.map_err(|error| error.chain())?;
        self.milestones[at].held_back += amount;
        Ok(())
    }

    async fn fault(&mut self) -> Result<(), String> {
        let count = 1 + self.number(3);
        let order = if self.number(2) == 0 {
            let method = ["POST", "GET"][self.below(2)];
            let kind = self.one(REQUEST_FAULTS);
            json!({ "kind": kind, "count": count, "method": method, "prefix": self.one(PATHS) })
        } else {
            let seconds = [5, 600, 7_200][self.below(3)];
            json!({ "kind": self.one(HOOK_FAULTS), "count": count, "prefix": self.one(EVENTS), "seconds": seconds })
        };
        self.note(&format!("fault {}", order["kind"].as_str().unwrap_or_default()));
        self.tell(format!("fault {order}"));
        self.world.order("/_sandbox/faults", order).await;
        Ok(())
    }

    /// The charges of this life, oldest first.
    pub async fn charges(&self) -> Vec<Value> {
        self.world.provider(&format!("charges?limit=100&transfer_group={}", self.contract.hyphenated())).await
    }

    /// The payer's bank speaks.
    async fn bank(&mut self) -> Result<(), String> {
        let charges = self.charges().await;
        let at = self.any();
        let mine = self.milestones[at].id.hyphenated().to_string();
        let Some(charge) =
            charges.iter().find(|it| it["metadata"]["milestone"] == *mine && it["status"] == "succeeded")
        else {
            return Ok(());
        };
        let id = charge["id"].as_str().unwrap_or_default();
        let charge = json!({ "charge": id });
        if self.number(3) == 0 {
            self.tell(format!("the bank warns of {at}"));
            self.world.order("/_sandbox/early_fraud_warnings", charge).await;
            self.note("warned");
        } else if self.world.order("/_sandbox/disputes", charge).await != Value::Null {
            self.tell(format!("the bank disputes {at}"));
            (self.milestones[at].bank, self.milestones[at].was_disputed) = (Bank::Disputes, true);
        } else if self.milestones[at].bank == Bank::Disputes {
            self.decide_dispute(at, id).await;
        }
        Ok(())
    }

    /// The provider's clock is off, or it asks the developer again.
    async fn provider(&mut self) -> Result<(), String> {
        if self.number(2) == 0 {
            let skew = [-600, -240, 0, 240, 600][self.below(5)];
            self.tell(format!("the provider's clock is off by {skew} s"));
            self.world.settings(skew, self.negative).await;
        } else {
            let account = &self.world.developers[self.developer].account;
            self.tell("the provider restricts the developer".to_owned());
            self.world.order(&format!("/_sandbox/accounts/{account}/restrict"), json!({})).await;
            self.note("restricted");
        }
        Ok(())
    }
}

fn shown<T>(done: &Option<Result<T, Error>>) -> String {
    match done {
        None => "died before it was committed".to_owned(),
        Some(Ok(_)) => "done".to_owned(),
        Some(Err(error)) => format!("{:?}", error.code()),
    }
}
