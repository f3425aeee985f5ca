//! The act of the market: an organisation, a project, its listing, bids, the deal.

use reqwest::Method;
use serde_json::{Value, json};

use super::walk::{Person, Walk};
use crate::app::boot::{Failure, Outcome};

impl Walk<'_> {
    pub(super) async fn organisation(&self, client: &Person, curator: &Person) -> Outcome<String> {
        let input =
            json!({ "name": "Jensen Freight", "country": "DK", "website": "https://jensenfreight.example" });
        let made = self.post(client, "/v1/organisations", 201, input).await?;
        let id = made.text("/id")?;
        self.say(&format!("{} founds the organisation Jensen Freight: {id}", client.login));
        let reason = json!({ "reason": "Register entry and domain checked." });
        self.act(curator, &format!("/v1/organisations/{id}"), "verify", made.etag.as_deref(), reason).await?;
        self.say(&format!("{} verifies it", curator.login));
        let card = json!({ "kind": "card", "payment_method": "pm_card_visa" });
        let methods = format!("/v1/organisations/{id}/payment_methods");
        self.post(client, &methods, 201, card).await?.demand("/state", "verified")?;
        self.say(&format!("{} adds a card to pay with: without one nothing is listed", client.login));
        Ok(id)
    }

    /// From a draft to the listing.
    pub(super) async fn project(
        &self,
        client: &Person,
        curator: &Person,
        organisation: &str,
    ) -> Outcome<String> {
        let now = self.get(client, "/sandbox/clock").await?.time("/now")?;
        let starts_on = (now + chrono::Duration::days(21)).date_naive().to_string();
        let path = format!("/v1/organisations/{organisation}/projects");
        let draft = self.post(client, &path, 201, content(&starts_on)).await?;
        let project = format!("/v1/projects/{}", draft.text("/id")?);
        self.say(&format!("{} drafts a project of $12,000: {}", client.login, draft.text("/id")?));

        let readiness = self.get(client, &format!("{project}/readiness")).await?;
        let signals = readiness.body["signals"].as_array().cloned().unwrap_or_default();
        let shown = signals.iter().filter(|signal| signal["ok"] == true).count();
        self.say(&format!("the service tells how ready it is: {shown} of {} signals", signals.len()));
        self.act(client, &project, "submit", draft.etag.as_deref(), Value::Null).await?;
        self.say("it goes to curation");

        let claimed = self.post(curator, &format!("{project}/claim"), 200, Value::Null).await?;
        let etag = match claimed.etag {
            Some(etag) => Some(etag),
            None => self.get(curator, &project).await?.etag,
        };
        let listed = self.act(curator, &project, "list", etag.as_deref(), Value::Null).await?;
        self.say(&format!("{} claims and lists it: state {}", curator.login, listed.text("/state")?));
        Ok(project)
    }

    /// Two developers find the project and bid; the client compares. Answers the project and the better bid.
    pub(super) async fn bids(
        &self,
        client: &Person,
        developer: &Person,
        rival: &Person,
        project: &str,
    ) -> Outcome<(String, String)> {
        let found = self.get(developer, "/v1/projects?q=ledgers&limit=5").await?;
        let title = found.text("/data/0/title")?;
        self.say(&format!("{} searches for \"ledgers\" and finds: {title}", developer.login));
        let seen = self.get(developer, project).await?.body;
        let mut first = String::new();
        for (who, percent) in [(developer, 90), (rival, 95)] {
            let bid = self.post(who, &format!("{project}/bids"), 201, bid_on(&seen, percent)).await?;
            self.say(&format!("{} bids {percent} % of the budget: {}", who.login, bid.text("/id")?));
            if first.is_empty() {
                first = format!("/v1/bids/{}", bid.text("/id")?);
            }
        }
        self.refused(rival, Method::GET, &first, 404).await?;
        self.say(&format!("{} cannot see that bid: 404", rival.login));
        let compared = self.get(client, &format!("{project}/bids")).await?;
        let count = compared.body["data"].as_array().map_or(0, Vec::len);
        if count != 2 {
            return Err(Failure(format!("the client should see two bids: {}", compared.body)));
        }
        self.say(&format!("{} compares {count} bids side by side", client.login));
        Ok((project.to_owned(), first))
    }

    /// Short list, offer, counter-offer, acceptance.
    pub(super) async fn deal(
        &self,
        client: &Person,
        developer: &Person,
        project: &str,
        bid: &str,
    ) -> Outcome {
        self.act_on_latest(client, bid, "shortlist", Value::Null).await?;
        self.say(&format!("{} puts {}'s bid on the short list", client.login, developer.login));
        self.act_on_latest(client, bid, "offer", json!({ "message": "We would like to work with you." }))
            .await?;
        self.say(&format!("{} makes an offer", client.login));
        let accepted = self.act_on_latest(developer, bid, "accept_offer", Value::Null).await?;
        self.say(&format!("{} accepts: the bid is {}", developer.login, accepted.text("/state")?));
        let awarded = self.get(client, project).await?.text("/state")?;
        if awarded != "awarded" {
            return Err(Failure(format!("the project should be awarded, it is {awarded}")));
        }
        self.say("the project is awarded");
        Ok(())
    }
}

/// A complete project of $12,000: two milestones, three deliverables.
fn content(starts_on: &str) -> Value {
    json!({
        "title": "Reconcile three ledgers",
        "description": "Our finance team reconciles three ledgers by hand. Build a service that imports them, matches \
                        entries and lists what does not match, so that the month can be closed in a day.",
        "outcome": "Finance closes the month in one day instead of five.",
        "decision_maker": "Carl Jensen, head of product",
        "budget": { "amount": 1_200_000, "currency": "USD" },
        "effort_hours": 160,
        "starts_on": starts_on,
        "duration_days": 60,
        "confidentiality": "public",
        "skills": [
            { "skill": "rust", "level": "proficient", "must": true },
            { "skill": "postgresql", "level": "working", "must": false },
        ],
        "milestones": [
            { "title": "Import", "amount": 700_000, "duration_days": 30, "deliverables": [
                { "title": "Importer", "specification": "Reads three formats.", "weight_bps": 6_000,
                  "acceptance": { "kind": "ci_status", "criterion": "import / corpus" } },
                { "title": "Sample month", "specification": "One month imported.", "weight_bps": 4_000,
                  "acceptance": { "kind": "human", "criterion": "The sums are the ledgers'." } } ] },
            { "title": "Matching", "amount": 500_000, "duration_days": 25, "deliverables": [
                { "title": "Matcher", "specification": "Lists what does not match.", "weight_bps": 10_000,
                  "acceptance": { "kind": "human", "criterion": "March has four differences." } } ] },
        ],
    })
}

/// A bid on the whole of a project at a share of each milestone's amount.
fn bid_on(project: &Value, percent: i64) -> Value {
    let milestones = project["milestones"].as_array().cloned().unwrap_or_default();
    let price =
        |milestone: &Value| milestone["amount"].as_i64().unwrap_or_default().saturating_mul(percent) / 100;
    let prices: Vec<Value> =
        milestones.iter().map(|m| json!({ "milestone_id": m["id"], "amount": price(m) })).collect();
    let approaches: Vec<Value> = milestones
        .iter()
        .flat_map(|milestone| milestone["deliverables"].as_array().cloned().unwrap_or_default())
        .map(|d| json!({ "deliverable_id": d["id"], "approach": "Tests against your own files come first." }))
        .collect();
    json!({
        "prices": prices,
        "approaches": approaches,
        "starts_on": project["starts_on"],
        "risks": [{ "risk": "Exports may change; the importer names the missing column." }],
        "first_step": "Load one closed month and show what does not match.",
    })
}
