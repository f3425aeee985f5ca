//! The act of vetting: an application, its screening, an appeal, the fast lane.

use reqwest::Method;
use serde_json::{Value, json};

use super::walk::{Person, Walk};
use crate::app::boot::Outcome;

impl Walk<'_> {
    /// From a draft to changes requested and made, and back into the queue. Answers the application.
    pub(super) async fn application(&self, developer: &Person, reviewer: &Person) -> Outcome<String> {
        let input = json!({
            "tracks": ["backend"],
            "statement": "Ten years of payment systems; the last three in Rust.",
            "hours_per_week": 30,
            "rate_per_hour": { "amount": 9_000, "currency": "EUR" },
            "languages": [{ "code": "en", "level": "fluent" }],
        });
        let draft = self.post(developer, "/v1/applications", 201, input).await?;
        let application = format!("/v1/applications/{}", draft.text("/id")?);
        let ready = self.get(developer, &format!("{application}/readiness")).await?;
        self.say(&format!("{} begins an application; ready: {}", developer.login, ready.body["ready"]));
        let sent = self.act(developer, &application, "submit", draft.etag.as_deref(), Value::Null).await?;
        self.say(&format!("submitted; screening is due by {}", sent.text("/screening_due_at")?));
        self.post(reviewer, &format!("{application}/claim"), 200, Value::Null).await?;
        let changes = json!({
            "reason": "Good work; one thing is unclear.",
            "notes": [{ "pointer": "/statement", "note": "Say which part of the system was yours." }],
        });
        self.act_on_latest(reviewer, &application, "request_changes", changes).await?;
        self.say(&format!("{} claims it and asks for changes to /statement", reviewer.login));
        let seen = self.get(developer, &application).await?;
        let better =
            json!({ "statement": "Payment systems for ten years; the ledger's import was mine alone." });
        self.patch(developer, &application, seen.etag.as_deref(), &better).await?;
        let again = self.act_on_latest(developer, &application, "submit", Value::Null).await?;
        self.say(&format!("{} makes them and submits again: {}", developer.login, again.text("/state")?));
        Ok(application)
    }

    /// A decline by one reviewer, overturned by another.
    pub(super) async fn appeal(
        &self,
        developer: &Person,
        first: &Person,
        second: &Person,
        application: &str,
    ) -> Outcome {
        self.post(first, &format!("{application}/claim"), 200, Value::Null).await?;
        let decline = json!({
            "reason_code": "insufficient_evidence",
            "reason": "The work shown does not let anybody tell which part is yours.",
            "evidence": [{ "source": "https://github.com/dev-dora", "finding": "Few commits in the last year." }],
        });
        let declined = self.act_on_latest(first, application, "decline", decline).await?;
        let decision = declined.text("/decision/id")?;
        self.say(&format!(
            "{} screens and declines it: {}, {decision}",
            first.login,
            declined.text("/state")?
        ));
        let again = self.get(developer, application).await?.text("/reapply_at")?;
        self.say(&format!(
            "{} reads the reason and the evidence; may apply again at {again}",
            developer.login
        ));
        let text = json!({ "text": "The pull requests merged upstream are mine, as the portfolio shows." });
        let filed = self.post(developer, &format!("/v1/decisions/{decision}/appeal"), 201, text).await?;
        let appeal = format!("/v1/appeals/{}", filed.text("/id")?);
        self.say(&format!("{} appeals; the answer is due by {}", developer.login, filed.text("/due_at")?));
        self.refused(first, Method::POST, &format!("{appeal}/claim"), 409).await?;
        self.say(&format!("{} cannot take the appeal against their own decision: 409", first.login));
        self.post(second, &format!("{appeal}/claim"), 200, Value::Null).await?;
        let answer =
            json!({ "outcome": "overturn", "reason": "The merged pull requests show it well enough." });
        let answered = self.act_on_latest(second, &appeal, "decide", answer).await?;
        self.say(&format!("{} answers: the decision is {}", second.login, answered.text("/state")?));
        let back = self.get(developer, application).await?.text("/state")?;
        self.say(&format!("the application is back in the queue: {back}"));
        Ok(())
    }

    /// Screened by a reviewer: ready for an assessment.
    pub(super) async fn pass(&self, reviewer: &Person, application: &str) -> Outcome {
        self.post(reviewer, &format!("{application}/claim"), 200, Value::Null).await?;
        let passed = self.act_on_latest(reviewer, application, "pass", Value::Null).await?;
        self.say(&format!("{} screens and passes it: {}", reviewer.login, passed.text("/state")?));
        Ok(())
    }

    /// Somebody whose application goes straight through the screening. Answers the application.
    pub(super) async fn ready(&self, developer: &Person, reviewer: &Person) -> Outcome<String> {
        self.import(developer).await?;
        let draft = self.post(developer, "/v1/applications", 201, json!({ "tracks": ["backend"] })).await?;
        let application = format!("/v1/applications/{}", draft.text("/id")?);
        self.act(developer, &application, "submit", draft.etag.as_deref(), Value::Null).await?;
        self.say(&format!("{} applies: {}", developer.login, draft.text("/id")?));
        self.pass(reviewer, &application).await?;
        Ok(application)
    }

    /// Another developer, whose work elsewhere speaks for itself.
    pub(super) async fn fast_lane(&self, developer: &Person, admin: &Person) -> Outcome {
        self.import(developer).await?;
        let claim = json!({ "platform": "Elsewhere", "finished_projects": 64, "rating_hundredths": 492,
            "links": ["https://elsewhere.example/dev-deniz"] });
        let input = json!({ "tracks": ["backend"], "fast_lane": claim });
        let draft = self.post(developer, "/v1/applications", 201, input).await?;
        let application = format!("/v1/applications/{}", draft.text("/id")?);
        self.act(developer, &application, "submit", draft.etag.as_deref(), Value::Null).await?;
        let reason = json!({ "reason": "64 projects at 4.92; the profile links back." });
        let ready = self.act_on_latest(admin, &application, "confirm_fast_lane", reason).await?;
        let state = ready.text("/state")?;
        self.say(&format!(
            "{} takes the fast lane, which {} confirms: {state}",
            developer.login, admin.login
        ));
        let reason = json!({ "reason": "Work seen and talked through." });
        let approved = self.act_on_latest(admin, &application, "override_approval", reason).await?;
        let approval = approved.text("/approval_id")?;
        self.say(&format!("{} approves {} by an admin's override: {approval}", admin.login, developer.login));
        Ok(())
    }
}
