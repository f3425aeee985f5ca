//! The act of money: a contract is signed, milestones are paid in, delivered and accepted, by the client and by silence;
//! what is disputed is awarded; the developer is paid to the bank; every amount is told for both sides, and the books are
//! checked.

use std::time::Duration;

use serde_json::{Value, json};

use super::service::program;
use super::walk::{Answer, Person, Walk, right, told};
use crate::app::boot::{Failure, Outcome};

/// A contract that both have signed.
pub struct Contract {
    /// Its path.
    path: String,
    /// The paths of its milestones.
    milestones: Vec<String>,
    /// The client's organisation.
    organisation: String,
}

/// The developer's transfers, newest first.
const TRANSFERS: &str = "/v1/me/transfers";

/// Days in which silence accepts.
const REVIEW_DAYS: i64 = 5;

impl Walk<'_> {
    /// Draws the contract up; both sign it.
    pub(super) async fn contract(
        &self,
        (client, developer): (&Person, &Person),
        organisation: &str,
        bid: &str,
    ) -> Outcome<Contract> {
        let choices = json!({ "review_days": REVIEW_DAYS });
        let made = self.post(client, &format!("{bid}/contract"), 201, choices).await?;
        let path = format!("/v1/contracts/{}", made.text("/id")?);
        self.say(&format!("{} draws the contract up: {}", client.login, made.text("/id")?));
        let hash = made.text("/content_hash")?;
        for person in [developer, client] {
            // Who signs has signed in lately.
            self.again(person).await?;
            self.post(person, &format!("{path}/sign"), 200, json!({ "content_hash": hash })).await?;
            self.say(&format!("{} signs it: SHA-256 {}…", person.login, hash.get(..16).unwrap_or_default()));
        }
        let milestones = made.list("/milestones");
        let milestones = milestones.iter().filter_map(|milestone| milestone["id"].as_str());
        let milestones = milestones.map(|id| format!("/v1/milestones/{id}")).collect();
        Ok(Contract { path, milestones, organisation: organisation.to_owned() })
    }

    /// The client pays for all milestones by card; the money is held.
    pub(super) async fn fund(&self, client: &Person, contract: &Contract) -> Outcome {
        let methods = format!("/v1/organisations/{}/payment_methods", contract.organisation);
        let method = self.get(client, &methods).await?.text("/data/0/id")?;
        let ids: Vec<&str> = contract.milestones.iter().filter_map(|path| path.rsplit('/').next()).collect();
        let fund = json!({ "milestones": ids, "payment_method_id": method });
        let paying = self.post(client, &format!("{}/fund", contract.path), 200, fund).await?;
        for milestone in paying.list("/milestones") {
            let (amount, fee) = (cents(&milestone, "/amount"), cents(&milestone, "/client_fee"));
            self.say(&format!(
                "{} pays for \"{}\" by card: {} and a fee of {} on top, {} in all",
                client.login,
                milestone["title"].as_str().unwrap_or_default(),
                dollars(amount),
                dollars(fee),
                dollars(amount.saturating_add(fee))
            ));
        }
        for path in &contract.milestones {
            self.until(client, path, "/state", "funded").await?;
        }
        self.until(client, &contract.path, "/state", "active").await?;
        self.say("the payments have succeeded: the money is held, the contract is active");
        Ok(())
    }

    /// The developer opens an account at the payment provider and answers its questions.
    pub(super) async fn onboard(&self, developer: &Person) -> Outcome {
        self.post(developer, "/v1/me/payee", 200, json!({ "country": "US" })).await?;
        let link = self.post(developer, "/v1/me/payee/link", 200, Value::Null).await?.text("/url")?;
        right(self.fetch(&format!("{link}?complete"), None).await?, 302).await?;
        let payee = self.post(developer, "/v1/me/payee/refresh", 200, Value::Null).await?;
        payee.demand("/state", "active")?;
        self.say(&format!("{} answers the provider's questions, and can be paid", developer.login));
        Ok(())
    }

    /// Both milestones are delivered; of the first a part is accepted.
    pub(super) async fn deliver(
        &self,
        (client, developer): (&Person, &Person),
        contract: &Contract,
    ) -> Outcome {
        for path in &contract.milestones {
            let seen = self.get(developer, path).await?;
            let evidence: Vec<Value> = seen
                .list("/deliverables")
                .iter()
                .map(|one| {
                    json!({ "deliverable_id": one["id"], "links": ["https://git.example.com/ledgers/pull/7"], "commit": "5e3f8a1c" })
                })
                .collect();
            let delivery = json!({ "evidence": evidence, "note": "Done as agreed." });
            self.post(developer, &format!("{path}/deliver"), 200, delivery).await?;
            self.say(&format!("{} delivers \"{}\" with evidence", developer.login, seen.text("/title")?));
        }
        let Some(first) = contract.milestones.first() else { return Ok(()) };
        let seen = self.get(client, first).await?;
        let part = json!({ "deliverables": [
            { "deliverable_id": seen.text("/deliverables/0/id")?, "note": "Reads all three formats." } ] });
        let accepted = self.act(client, first, "accept", seen.etag.as_deref(), part).await?;
        self.say(&format!(
            "{} accepts \"{}\" ({} % of \"{}\"): {} of {} is released",
            client.login,
            accepted.text("/deliverables/0/title")?,
            accepted.body["deliverables"][0]["weight_bps"].as_i64().unwrap_or_default() / 100,
            accepted.text("/title")?,
            dollars(cents(&accepted.body, "/released")),
            dollars(cents(&accepted.body, "/amount"))
        ));
        Ok(())
    }

    /// The client disputes what it has not accepted of the first milestone: answer, mediation, arbitration, award.
    pub(super) async fn dispute(
        &self,
        (client, developer): (&Person, &Person),
        (mediator, arbitrator): (&Person, &Person),
        contract: &Contract,
    ) -> Outcome {
        let Some(first) = contract.milestones.first() else { return Ok(()) };
        let claim =
            json!({ "developer_amount": 0, "reason": "The sample month lacks two of its four differences." });
        let opened = self.post(client, &format!("{first}/disputes"), 201, claim).await?;
        let (amount, path) =
            (cents(&opened.body, "/amount"), format!("/v1/disputes/{}", opened.text("/id")?));
        self.say(&format!(
            "{} disputes the rest of \"{}\": {} is frozen, the other milestone goes on",
            client.login,
            opened.text("/title")?,
            dollars(amount)
        ));
        let answer = json!({ "developer_amount": amount, "response": "The two others are in the second delivery's list." });
        self.post(developer, &format!("{path}/respond"), 200, answer).await?;
        self.post(client, &format!("{path}/escalate"), 200, Value::Null).await?;
        self.say(&format!(
            "{} answers that all of it is owed; {} asks for a mediator",
            developer.login, client.login
        ));

        let thing = self.get(client, first).await?.text("/deliverables/1/id")?;
        let ruling = |part: i64| {
            json!({
                "developer_amount": part, "client_amount": amount.saturating_sub(part),
                "reason": "The list of the delivery names three of the four differences.",
                "findings": [{ "deliverable_id": thing, "text": "Shows three of the four differences of March." }],
            })
        };
        let half = amount / 2;
        self.again(mediator).await?;
        self.post(mediator, &format!("{path}/propose"), 200, ruling(half)).await?;
        self.say(&format!("{} mediates, and proposes {} for each side", mediator.login, dollars(half)));
        self.act_on_latest(developer, &path, "reject_proposal", Value::Null).await?;
        self.say(&format!(
            "{} rejects it: somebody else decides, and the loser pays the fee",
            developer.login
        ));
        let part = amount.saturating_mul(3) / 4;
        self.again(arbitrator).await?;
        let awarded = self.post(arbitrator, &format!("{path}/award"), 200, ruling(part)).await?;
        awarded.demand("/state", "awarded")?;
        self.say(&format!(
            "{} awards {} to {} and {} to {}; for five days a wrong sum can be shown",
            arbitrator.login,
            dollars(part),
            developer.login,
            dollars(amount.saturating_sub(part)),
            client.login
        ));
        Ok(())
    }

    /// Time goes by: the award is carried out, silence accepts the other milestone; what was released is transferred, and
    /// paid out to the bank.
    pub(super) async fn silence_and_payout(
        &self,
        (client, developer): (&Person, &Person),
        contract: &Contract,
    ) -> Outcome {
        self.days(REVIEW_DAYS.saturating_add(1)).await?;
        for (path, end) in contract.milestones.iter().zip(["resolved", "auto_accepted"]) {
            let seen = self.until(client, path, "/state", end).await?;
            let how = if end == "resolved" { "the award is carried out" } else { "silence accepts it" };
            self.say(&format!(
                "\"{}\": {how}; {} of {} is released",
                seen.text("/title")?,
                dollars(cents(&seen.body, "/released")),
                dollars(cents(&seen.body, "/amount"))
            ));
        }
        // Five days are kept against chargebacks.
        self.until(developer, TRANSFERS, "/data/2/state", "paid").await?;
        self.days(6).await?;
        for transfer in self.until_all(developer, TRANSFERS, "paid").await? {
            self.say(&format!(
                "a transfer of {} has reached {}'s account",
                dollars(cents(&transfer, "/amount")),
                developer.login
            ));
        }
        let refunds = format!("/v1/organisations/{}/refunds", contract.organisation);
        for refund in self.until_all(client, &refunds, "succeeded").await? {
            let (amount, fee) = (cents(&refund, "/amount"), cents(&refund, "/fee"));
            self.say(&format!(
                "{} and {} of the fee are back on {}'s card",
                dollars(amount),
                dollars(fee),
                client.login
            ));
        }
        // The provider's funds become available, payouts are made, and take two days.
        for _ in 0..4 {
            self.days(2).await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        for payout in self.until_all(developer, "/v1/me/payouts", "paid").await? {
            self.say(&format!("a payout of {} has reached the bank", dollars(cents(&payout, "/amount"))));
        }
        Ok(())
    }

    /// Tells each amount for both sides, from the decisions on each milestone.
    pub(super) async fn amounts(&self, client: &Person, contract: &Contract) -> Outcome {
        println!(
            "\n     {:<14} {:>12} {:>10} {:>12} {:>12} {:>10} {:>12} {:>12}",
            "milestone",
            "client paid",
            "its fee",
            "came back",
            "released",
            "dev's fee",
            "dev gets",
            "we keep"
        );
        let mut sums = [0_i64; 7];
        for path in &contract.milestones {
            let seen = self.get(client, path).await?;
            let decisions = seen.list("/decisions");
            let sum =
                |pointer: &str| decisions.iter().map(|one| cents(one, pointer)).fold(0, i64::saturating_add);
            let (released, developer_fee) = (sum("/released"), sum("/developer_fee"));
            let (paid, fee) = (cents(&seen.body, "/amount"), cents(&seen.body, "/client_fee"));
            let back = sum("/refunded").saturating_add(sum("/refunded_fee"));
            let kept =
                sum("/client_fee").saturating_add(developer_fee).saturating_add(sum("/arbitration_fee"));
            let row = [
                paid.saturating_add(fee),
                fee,
                back,
                released,
                developer_fee,
                released.saturating_sub(developer_fee),
                kept,
            ];
            line(&seen.text("/title")?, &row);
            for (total, amount) in sums.iter_mut().zip(row) {
                *total = total.saturating_add(amount);
            }
        }
        line("together", &sums);
        let [paid, _, back, _, _, gets, kept] = sums;
        if paid != back.saturating_add(gets).saturating_add(kept) {
            return Err(Failure("what came in is not what went out".to_owned()));
        }
        println!("     What the client paid is what came back, what the developer gets and what we keep.\n");
        Ok(())
    }

    /// What the ends of the milestones did to the developer's score, by its events.
    pub(super) async fn moved_score(&self, developer: &Person) -> Outcome {
        let events = self.get(developer, "/v1/me/score/events?limit=100").await?.list("/data");
        let by_outcome: Vec<&Value> = events.iter().rev().filter(|one| one["cause"] == "outcome").collect();
        for event in &by_outcome {
            let points = |when: &str| event[when]["score"].as_i64();
            let after = points("after").ok_or_else(|| told(format!("nothing came after: {event}")))?;
            let from = points("before").map_or_else(|| "nothing".to_owned(), |before| before.to_string());
            self.say(&format!(
                "the end of {} moves {}'s delivery score from {from} to {after}: {}",
                event["subject"].as_str().unwrap_or_default(),
                developer.login,
                event["id"].as_str().unwrap_or_default(),
            ));
        }
        match by_outcome.len() {
            2 => Ok(()),
            moves => Err(told(format!("two milestones have ended, and the score has moved {moves} times"))),
        }
    }

    /// Checks the books by the command line, while the service runs.
    pub(super) fn books(&self) -> Outcome {
        let checked = program(self.folder)?.args(["ledger", "check"]).output()?;
        let printed = String::from_utf8_lossy(&checked.stdout).into_owned();
        if !checked.status.success() {
            return Err(Failure(format!("the books are not whole:\n{printed}")));
        }
        self.say(&format!("assay ledger check: all {} invariants hold", printed.lines().count()));
        Ok(())
    }

    async fn days(&self, days: i64) -> Outcome {
        let now = self.now().await?;
        self.move_clock(now + chrono::Duration::days(days)).await
    }

    /// A list once the worker has brought all of it there.
    async fn until_all(&self, who: &Person, path: &str, wanted: &str) -> Outcome<Vec<Value>> {
        let mut rows = Vec::new();
        for _ in 0..120 {
            rows = self.get(who, path).await?.list("/data");
            if !rows.is_empty() && rows.iter().all(|row| row["state"] == wanted) {
                return Ok(rows);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Err(told(format!("{path}: all should become {wanted}: {rows:?}")))
    }

    /// A thing once the worker has brought it there.
    async fn until(&self, who: &Person, path: &str, pointer: &str, wanted: &str) -> Outcome<Answer> {
        let mut seen = self.get(who, path).await?;
        for _ in 0..120 {
            if seen.body.pointer(pointer).and_then(Value::as_str) == Some(wanted) {
                return Ok(seen);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            seen = self.get(who, path).await?;
        }
        Err(told(format!("{path}: {pointer} should become {wanted}: {}", seen.body)))
    }
}

/// An amount of minor units below a pointer.
fn cents(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(|money| money["amount"].as_i64()).unwrap_or_default()
}

/// Dollars and cents, with commas.
fn dollars(cents: i64) -> String {
    let whole = (cents / 100).to_string();
    let groups: Vec<&str> =
        whole.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("${}.{:02}", groups.join(","), cents.rem_euclid(100))
}

fn line(title: &str, row: &[i64; 7]) {
    let [paid, fee, back, released, developer_fee, gets, kept] = row.map(dollars);
    println!(
        "     {title:<14} {paid:>12} {fee:>10} {back:>12} {released:>12} {developer_fee:>10} {gets:>12} {kept:>12}"
    );
}
