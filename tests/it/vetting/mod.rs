//! Vetting: applications, screening, decisions, appeals, approvals, and every clock of theirs.

mod appeals;
mod applications;
mod approvals;
mod clocks;
mod migration;
mod races;
mod screening;

use assay_kernel::Permission;
use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestApp};

/// What a complete application says.
pub fn content() -> Value {
    json!({
        "tracks": ["backend", "databases"],
        "statement": "Ten years of payment systems; the last three in Rust.",
        "hours_per_week": 30,
        "rate_per_hour": { "amount": 9_000, "currency": "EUR" },
        "languages": [{ "code": "en", "level": "fluent" }, { "code": "tr", "level": "native" }],
    })
}

/// A decline.
pub fn adverse(reason_code: &str) -> Value {
    json!({
        "reason_code": reason_code,
        "reason": "The repositories shown are forks without changes of yours.",
        "evidence": [{ "source": "https://github.com/dora/ledger", "finding": "No commit of the person." }],
    })
}

/// An answer to an appeal.
pub fn answer(outcome: &str) -> Value {
    json!({ "outcome": outcome, "reason": "The commits were looked at one by one." })
}

impl TestApp {
    /// An item in a person's portfolio.
    pub async fn portfolio_item(&self, person: &Person) {
        let item = json!({ "kind": "manual", "title": "A ledger", "url": "https://ledger.example" });
        self.post("/v1/portfolio/items").by(person).json(item).expect(201).await;
    }

    /// A draft of a candidate's application. Answers its path and the answer.
    pub async fn application(&self, person: &Person) -> String {
        let made = self.post("/v1/applications").by(person).json(content()).expect(201).await;
        format!("/v1/applications/{}", made.id())
    }

    /// The same, submitted.
    pub async fn submitted(&self, person: &Person) -> String {
        let path = self.application(person).await;
        self.act(person, &path, "submit").await.assert_status(200);
        path
    }

    /// The same, claimed by the reviewer.
    pub async fn in_screening(&self, person: &Person, reviewer: &Person) -> String {
        let path = self.submitted(person).await;
        self.post(&format!("{path}/claim")).by(reviewer).expect(200).await;
        path
    }

    /// The same, declined by the reviewer. Answers the decision's path too.
    pub async fn declined(&self, person: &Person, reviewer: &Person) -> (String, String) {
        let path = self.in_screening(person, reviewer).await;
        let declined = self.act_with(reviewer, &path, "decline", adverse("insufficient_evidence")).await;
        declined.assert_status(200);
        (path, format!("/v1/decisions/{}", declined.text_at("/decision/id")))
    }

    /// An appeal against a decision. Answers its path.
    pub async fn appealed(&self, person: &Person, decision: &str) -> String {
        let made = self.appeal(person, decision).await;
        made.assert_status(201);
        format!("/v1/appeals/{}", made.id())
    }

    /// Tries to appeal.
    pub async fn appeal(&self, person: &Person, decision: &str) -> Answer {
        let text = json!({ "text": "The forks carry my own commits, merged upstream." });
        self.post(&format!("{decision}/appeal")).by(person).json(text).send().await
    }

    /// Where a thing stands, as this person sees it.
    pub async fn state(&self, person: &Person, path: &str) -> String {
        self.get(path).by(person).expect(200).await.text_at("/state")
    }

    /// The kinds of the newest events that a person reads.
    pub async fn kinds(&self, person: &Person) -> Vec<String> {
        self.work().await;
        let feed = self.get("/v1/events?limit=100").by(person).expect(200).await.at("/data");
        let events = feed.as_array().expect("events").clone();
        events.iter().map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect()
    }

    /// How many mails of this subject were sent.
    pub async fn mails(&self, subject: &str) -> usize {
        self.work().await;
        let mails = self.get("/sandbox/mail").send_unchecked().await.json();
        let mails = mails["data"].as_array().expect("mails").clone();
        mails.iter().filter(|mail| mail["subject"] == subject).count()
    }

    /// Two reviewers.
    pub async fn reviewers(&self) -> (Person, Person) {
        (
            self.staff("staff-sam", Permission::Reviewer).await,
            self.staff("staff-rosa", Permission::Reviewer).await,
        )
    }
}
