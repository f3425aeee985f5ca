//! The end of a life: the faults are over, time passes, and provider, ledger, workers and book say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use assay::app::domains::INVARIANTS;
use assay_kernel::money::Currency;
use assay_ledger::{AccountKind as K, AccountRef};
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Bank, Milestone, What};
use super::life::Life;
use super::world::Fate;

/// A row of the refunds, as far as the book must know it.
#[derive(diesel::QueryableByName)]
struct RefundSeen {
    #[diesel(sql_type = SqlUuid)]
    milestone: Uuid,
    #[diesel(sql_type = SqlUuid)]
    decision: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    owed: i64,
    #[diesel(sql_type = BigInt)]
    refused_reversals: i64,
}

/// How often a movement was told.
#[derive(diesel::QueryableByName)]
struct Told {
    #[diesel(sql_type = SqlUuid)]
    milestone: Uuid,
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(diesel::QueryableByName)]
struct Repaid {
    #[diesel(sql_type = BigInt)]
    repaid: i64,
    /// Releases of which nothing was left to send.
    #[diesel(sql_type = BigInt)]
    whole: i64,
}

fn count(told: &[Told], milestone: Uuid, what: &str) -> i64 {
    told.iter().filter(|one| one.milestone == milestone && one.what == what).map(|one| one.n).sum()
}

const DAY: u64 = 86_400;

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    of: &Milestone,
    found: T,
    wanted: T,
) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{}: {what} is {found:?} and should be {wanted:?}", of.id))
    }
}

impl Life<'_> {
    async fn refunds_seen(&self) -> Vec<RefundSeen> {
        let mut conn = self.world.app.ctx().db.get().await.expect("a connection");
        diesel::sql_query(
            "SELECT milestone, decision, state, owed, (SELECT count(*) FROM reversals x WHERE x.refund_id = r.id
                AND x.state = 'refused' AND x.failure = 'balance_insufficient') AS refused_reversals FROM refunds r WHERE milestone = ANY ($1)",
        )
        .bind::<Array<SqlUuid>, _>(self.ids())
        .load(&mut conn)
        .await
        .expect("refunds")
    }

    /// What of a milestone's releases repaid what its developer owed from another life.
    async fn repaid(&self, milestone: Uuid) -> Repaid {
        let mut conn = self.world.app.ctx().db.get().await.expect("a connection");
        let query = "SELECT coalesce(sum(repaid), 0)::bigint AS repaid, count(*) FILTER (WHERE state = 'paid'
                AND amount = 0) AS whole FROM transfers WHERE milestone = $1";
        let found = diesel::sql_query(query).bind::<SqlUuid, _>(milestone).get_result(&mut conn);
        found.await.expect("transfers")
    }

    fn ids(&self) -> Vec<Uuid> {
        self.milestones.iter().map(|milestone| milestone.id).collect()
    }

    /// How often which movement of which milestone was told.
    async fn told(&self) -> Vec<Told> {
        let mut conn = self.world.app.ctx().db.get().await.expect("a connection");
        let query = "SELECT milestone, what, count(*) AS n FROM simulation_told WHERE milestone = ANY ($1) GROUP BY 1, 2";
        let told = diesel::sql_query(query).bind::<Array<SqlUuid>, _>(self.ids()).load(&mut conn);
        told.await.expect("what was told")
    }

    /// What the hook was told of so far, and refunds that the provider refused for good, or that came back: only where a
    /// bank stands in their way.
    pub async fn listen(&mut self) -> Result<(), String> {
        let told = self.told().await;
        for milestone in &mut self.milestones {
            milestone.funded = count(&told, milestone.id, "Funded") > 0;
            milestone.was_disputed |= count(&told, milestone.id, "PaymentDisputed") > 0;
        }
        for seen in self.refunds_seen().await {
            let Some(at) = self.milestones.iter().position(|milestone| milestone.id == seen.milestone) else {
                return Err(format!("nobody decided on the refund {}", seen.decision));
            };
            let milestone = &mut self.milestones[at];
            let may = !milestone.is_plain() || milestone.fate == Fate::RefundFails;
            let Some(decision) = milestone.decisions.iter_mut().find(|it| it.id == seen.decision) else {
                return Err(format!("nobody decided on the refund {}", seen.decision));
            };
            let over = matches!(seen.state.as_str(), "refused" | "failed" | "charged_back");
            if over && !may {
                return Err(format!("the refund {} is {}", seen.decision, seen.state));
            }
            if over && !decision.undone {
                decision.undone = true;
                self.tell(format!("the refund {} of {at} is {}", seen.decision, seen.state));
                self.note("refund undone");
            }
        }
        Ok(())
    }

    async fn pass(&mut self, seconds: u64) {
        self.world.advance(Duration::from_secs(seconds), 0);
        self.world.settle().await;
    }

    /// The faults end; clocks agree; what is open is decided.
    pub async fn converge(&mut self) -> Result<(), String> {
        self.tell("the faults end".to_owned());
        self.world.order("/_sandbox/reset", json!({})).await;
        self.world.settings(0, false).await;
        for seconds in [600, 6 * 3_600] {
            self.pass(seconds).await;
        }
        self.world.schedule().await;
        // Debits settle, refunds end, releases are sent.
        self.pass(4 * DAY).await;
        self.pass(4 * DAY).await;
        self.decide_disputes().await;
        let account = &self.world.developers[self.developer].account;
        self.world.answer_questions(account).await;
        self.world.schedule().await;
        self.pass(1_200).await;
        self.let_go().await;
        self.pass(4 * DAY).await;
        self.world.schedule().await;
        self.pass(3_700).await;
        self.world.schedule().await;
        self.pass(1).await;
        self.listen().await
    }

    /// The banks of disputed payments decide.
    async fn decide_disputes(&mut self) {
        let charges = self.charges().await;
        for at in 0..self.milestones.len() {
            let mine = self.milestones[at].id.hyphenated().to_string();
            let mut of_it = charges.iter().filter(|it| it["metadata"]["milestone"] == *mine);
            if let Some(charge) = of_it.find(|it| it["disputed"] == true) {
                self.decide_dispute(at, charge["id"].as_str().unwrap_or_default()).await;
            }
        }
    }

    /// The bank decides on a charge, unless it has.
    pub async fn decide_dispute(&mut self, at: usize, charge: &str) {
        for dispute in self.world.provider(&format!("disputes?limit=100&charge={charge}")).await {
            let won = self.number(2) == 0;
            let path = format!("/_sandbox/disputes/{}/decide", dispute["id"].as_str().unwrap_or_default());
            let decided = self.world.order(&path, json!({ "won": won })).await;
            // It may have been decided by its deadline, or in the middle of the life, before.
            let lost = decided["status"] == "lost";
            self.milestones[at].bank = if lost { Bank::Lost } else { Bank::Won };
            self.milestones[at].was_disputed = true;
            let word = if lost { "dispute lost" } else { "dispute won" };
            self.note(word);
            self.tell(format!("{word}: {at}"));
        }
    }

    /// The finance staff let transfers go that wait for them.
    async fn let_go(&mut self) {
        let app = &self.world.app;
        let list = app.get("/v1/transfers?state=on_hold&limit=100").by(&self.world.finance).expect(200).await;
        for transfer in list.at("/data").as_array().expect("a list") {
            if transfer["hold"] != "risk" {
                continue;
            }
            let path = format!("/v1/transfers/{}/release_hold", transfer["id"].as_str().expect("an id"));
            let reason = json!({ "reason": "Looked at, and found well." });
            app.post(&path).by(&self.world.finance).if_match("*").json(reason).expect(200).await;
        }
        self.world.settle().await;
    }

    async fn balance(&self, kind: K, owner: Uuid) -> i64 {
        let account = AccountRef::of(kind, owner);
        let ctx = self.world.app.ctx();
        let read = ctx.db.read(async |conn| assay_ledger::balance(conn, account, Currency::USD).await);
        read.await.expect("a balance").amount
    }

    /// What the client has with us instead of refunds.
    pub async fn credit(&self) -> i64 {
        self.balance(K::ClientCredit, self.world.organisation.uuid()).await
    }

    /// Everything must agree now.
    pub async fn check(&mut self) -> Result<(), String> {
        let charges = self.charges().await;
        let transfers = self
            .world
            .provider(&format!("transfers?limit=100&transfer_group={}", self.contract.hyphenated()))
            .await;
        let (told, refunds) = (self.told().await, self.refunds_seen().await);
        for milestone in self.milestones.clone() {
            self.check_milestone(&milestone, &charges, &transfers, &told, &refunds).await?;
        }
        let credit = self.credit().await - self.credit_before;
        let wanted: i64 = self.milestones.iter().map(Milestone::credit).sum();
        if credit != wanted {
            return Err(format!("the client's credit is {credit} and should be {wanted}"));
        }
        let app = &self.world.app;
        let open = "SELECT count(*) AS n FROM provider_commands WHERE settled_at IS NULL";
        let waiting = "SELECT count(*) AS n FROM provider_events WHERE state NOT IN ('done', 'ignored')";
        let dead = "SELECT count(*) AS n FROM jobs WHERE dead_at IS NOT NULL";
        for (what, query) in [("requests open", open), ("events waiting", waiting), ("jobs dead", dead)] {
            let found = app.number(query).await;
            if found != 0 {
                let events = app.dump("(SELECT id, kind, state, attempts FROM provider_events WHERE state NOT IN ('done', 'ignored') LIMIT 5)").await;
                let jobs = app
                    .dump("(SELECT kind, payload, last_error FROM jobs WHERE dead_at IS NOT NULL LIMIT 5)")
                    .await;
                return Err(format!("{what}: {found}\n{events}\n{jobs}"));
            }
        }
        let findings = assay_ledger::check(app.ctx(), INVARIANTS).await.map_err(|error| error.chain())?;
        let broken: Vec<_> = findings.into_iter().filter(|finding| finding.offenders != 0).collect();
        if broken.is_empty() {
            return Ok(());
        }
        let differences = app.dump("(SELECT * FROM provider_differences WHERE resolved_at IS NULL)").await;
        Err(format!("{broken:?}\n{differences}"))
    }

    async fn check_milestone(
        &mut self,
        it: &Milestone,
        charges: &[Value],
        transfers: &[Value],
        told: &[Told],
        seen: &[RefundSeen],
    ) -> Result<(), String> {
        let id = it.id.hyphenated().to_string();
        let mine = |object: &&Value| object["metadata"]["milestone"] == *id;
        let paid: Vec<&Value> =
            charges.iter().filter(mine).filter(|charge| charge["status"] == "succeeded").collect();
        let count = |what: &str| count(told, it.id, what);

        // The client paid once, or not at all.
        let whole = it.amount + it.fee();
        let charged: Vec<i64> = paid.iter().map(|charge| int(&charge["amount"])).collect();
        same("charged", it, charged, if it.funded { vec![whole] } else { vec![] })?;
        same(
            "told of funding",
            it,
            (count("Funded"), count("FundingFailed")),
            (i64::from(it.funded), it.asked - i64::from(it.funded)),
        )?;
        // A payment that surely left nothing within the life of its key is told as failed: the client asks again.
        self.note(if it.funded { "funded" } else { "not funded" });

        // What is held.
        let holds = (
            self.balance(K::Hold, it.id).await,
            self.balance(K::HoldFrozen, it.id).await,
            self.balance(K::FeeDeferred, it.id).await,
        );
        let lost = it.bank == Bank::Lost;
        same("held", it, holds, if lost { (0, 0, 0) } else { (it.free(), it.frozen(), it.deferred()) })?;

        // The client got back what was decided.
        let mut refunds = Vec::new();
        if let Some(charge) = paid.as_slice().first().and_then(|charge| charge["id"].as_str()) {
            refunds = self.world.provider(&format!("refunds?limit=100&charge={charge}")).await;
        }
        let (gone, back): (Vec<&Value>, Vec<&Value>) = refunds
            .iter()
            .partition(|refund| !matches!(refund["status"].as_str(), Some("failed" | "canceled")));
        same("refunded", it, gone.iter().map(|refund| int(&refund["amount"])).sum(), it.refunded())?;
        let seen: Vec<&RefundSeen> = seen.iter().filter(|one| one.milestone == it.id).collect();
        let undone = it.decisions.iter().filter(|decision| decision.undone).count() as i64;
        let wanted = (refunds.len() as i64, undone);
        same("told of refunds", it, (count("Refunded"), count("RefundRefused")), wanted)?;
        if back.len() as i64 > undone {
            return Err(format!("{}: a refund came back and was not put back", it.id));
        }
        // A refund waits for nothing any more.
        if let Some(open) =
            seen.iter().find(|one| matches!(one.state.as_str(), "taking_back" | "queued" | "submitted"))
        {
            return Err(format!("the refund {} is still {}", open.decision, open.state));
        }

        // The developer has what was released, less what repaid an older debt and what was taken back; what could not be
        // is owed, and so is again what had repaid the debt.
        let sent: Vec<&Value> = transfers.iter().filter(mine).collect();
        let net: i64 = sent.iter().map(|one| int(&one["amount"]) - int(&one["amount_reversed"])).sum();
        let owed: i64 = seen.iter().map(|one| one.owed).sum();
        let repaid = self.repaid(it.id).await;
        let refused = seen.iter().any(|one| one.refused_reversals > 0);
        if owed > repaid.repaid && !refused && !it.was_disputed {
            return Err(format!("{}: {owed} is owed, though no reversal was refused", it.id));
        }
        let earned = it.earned().0 + owed - repaid.repaid;
        if !lost {
            same("transferred", it, net, earned)?;
        } else if net > earned {
            return Err(format!("{}: {net} was transferred, of {earned}", it.id));
        }
        same("told of transfers", it, count("Transferred"), sent.len() as i64 + repaid.whole)?;
        let commands: BTreeSet<&str> =
            sent.iter().filter_map(|one| one["metadata"]["command"].as_str()).collect();
        same("transfers", it, commands.len(), sent.len())?;
        let disputes = BTreeMap::from([
            (Bank::Won as u8, "PaymentDisputeWon"),
            (Bank::Lost as u8, "PaymentDisputeLost"),
        ]);
        if let Some(word) = disputes.get(&(it.bank as u8)) {
            same("told of the dispute", it, (count("PaymentDisputed"), count(word)), (1, 1))?;
        }
        let released = it.decisions.iter().any(|decision| matches!(decision.what, What::Release { .. }));
        if released && sent.is_empty() && net != earned && !lost {
            return Err(format!("{}: nothing was sent", it.id));
        }
        Ok(())
    }
}
