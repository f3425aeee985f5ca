//! The session, from check-in to its end, and what happens when somebody does not come.

use std::time::Duration as Time;

use assay_kernel::Permission;
use assay_kernel::ids::AssessmentId;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::harness::{Person, TestApp};

/// A session three days ahead, with its people.
struct Seats {
    path: String,
    candidate: Person,
    lead: Person,
    observer: Person,
}

impl TestApp {
    async fn seats(&self) -> Seats {
        let (candidate, application) = self.ready("dev-dora").await;
        let (lead, observer) = (self.assessor("staff-sam").await, self.assessor("claire-client").await);
        let starts_at = self.now() + Duration::days(3);
        let path = self.seated(&candidate, &application, (&lead, &observer), starts_at).await;
        for (event, due) in [
            ("remind", starts_at - Duration::hours(24)),
            ("warn_absence", starts_at),
            ("close_absence", starts_at + Duration::minutes(15)),
        ] {
            self.clock_of(&path, event, due).await;
        }
        Seats { path, candidate, lead, observer }
    }

    async fn clock_of(&self, path: &str, event: &str, due: DateTime<Utc>) {
        let id = path.rsplit('/').next().expect("an id").parse::<AssessmentId>().expect("an id").uuid();
        let (timer, now) = (self.ctx().ids.uuid(), self.now());
        self.sql(&format!(
            "INSERT INTO timers (id, machine, subject, event, due_at, created_at)
             VALUES ('{timer}', 'assessment', '{id}', '{event}', '{due}', '{now}')"
        ))
        .await
        .expect("a timer");
    }

    async fn state_in_table(&self) -> Vec<String> {
        let rows = self.dump("assessments").await;
        rows.lines().map(|line| line.split(',').nth(4).expect("a state").to_owned()).collect()
    }
}

const DAYS: Time = Time::from_secs(3 * 86_400);

fn minutes(n: u64) -> Time {
    Time::from_secs(n * 60)
}

#[tokio::test]
async fn a_session_is_checked_in_to_begun_and_ended() {
    let app = TestApp::start().await;
    let Seats { path, candidate, lead, observer } = app.seats().await;
    let act = |verb: &str| app.post(&format!("{path}/{verb}"));
    assert_eq!(act("check_in").by(&candidate).expect(409).await.code(), "guard_failed");
    app.advance(DAYS - minutes(20)).await;
    assert_eq!(app.mails("Your session begins soon: backend").await, 3);
    act("start").by(&lead).expect(409).await;
    act("check_in").by(&candidate).expect(200).await;
    let again = act("check_in").by(&candidate).expect(200).await;
    assert_eq!(again.at("/state"), "booked");
    assert_eq!(act("check_in").by(&lead).expect(200).await.at("/state"), "checked_in");
    act("check_in").by(&observer).expect(200).await;
    let stranger = app.sign_up("dev-deniz", &["developer"]).await;
    act("check_in").by(&stranger).expect(404).await;
    assert_eq!(act("start").by(&observer).expect(409).await.code(), "guard_failed");
    assert_eq!(act("start").by(&lead).expect(200).await.at("/state"), "in_progress");
    app.advance(minutes(120)).await;
    assert_eq!(act("end").by(&lead).expect(200).await.at("/state"), "in_review");

    let reviewer = app.staff("staff-rosa", Permission::Reviewer).await;
    let chain = app.get(&format!("{path}/identity_chain")).by(&reviewer).expect(200).await;
    assert_eq!(chain.at("/links").as_array().unwrap().len(), 3, "{chain}");
    assert_eq!(chain.at("/links/0/account_id"), json!(candidate.id));
    assert_eq!(chain.at("/flags"), json!([]));
    let links = app.ctx().db.read(async |conn| assay_identity::verify_presences(conn).await).await;
    assert_eq!(links.expect("whole chains"), 3);
    assert!(app.sql("UPDATE identity_chain SET subject = ''").await.is_err());
    app.stop().await;
}

#[tokio::test]
async fn a_candidate_who_does_not_come_is_told_and_waits() {
    let app = TestApp::start().await;
    let Seats { path, candidate, lead, .. } = app.seats().await;
    app.advance(DAYS - minutes(5)).await;
    app.post(&format!("{path}/check_in")).by(&lead).expect(200).await;
    app.advance(minutes(5)).await;
    assert_eq!(app.mails("You are missing in your session: backend").await, 2, "candidate and observer");
    app.advance(minutes(10)).await;
    assert_eq!(app.mails("You are missing in your session: backend").await, 4);
    app.advance_clock(minutes(5)).await;
    app.post(&format!("{path}/check_in")).by(&candidate).expect(409).await;
    app.work().await;
    assert_eq!(app.state_in_table().await, ["candidate_no_show"]);
    assert_eq!(app.mails("You missed your session: backend").await, 1);
    assert_eq!(app.mails("The candidate did not come: backend").await, 2);
    app.stop().await;
}

#[tokio::test]
async fn without_its_lead_a_session_costs_the_candidate_nothing() {
    let app = TestApp::start().await;
    let Seats { path, candidate, observer, .. } = app.seats().await;
    app.advance(DAYS).await;
    for person in [&candidate, &observer] {
        app.post(&format!("{path}/check_in")).by(person).expect(200).await;
    }
    app.advance(minutes(15)).await;
    let mut states = app.state_in_table().await;
    states.sort();
    assert_eq!(states, ["assessor_no_show", "requested"]);
    assert_eq!(app.mails("We missed your session: backend").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_breaks_off_or_is_never_ended_finds_its_end() {
    let app = TestApp::start().await;
    let Seats { path, candidate, lead, observer } = app.seats().await;
    app.advance(DAYS).await;
    for person in [&candidate, &lead] {
        app.post(&format!("{path}/check_in")).by(person).expect(200).await;
    }
    let reason = json!({ "reason": "The video broke down." });
    let abort = format!("{path}/abort");
    app.post(&abort).by(&observer).json(json!({ "reason": "" })).expect(422).await;
    let done = app.post(&abort).by(&observer).json(reason).expect(200).await;
    assert_eq!(done.at("/state"), "aborted_technical");
    assert_eq!(app.mails("Your session was broken off: backend").await, 1);
    assert_eq!(app.state_in_table().await.iter().filter(|state| *state == "requested").count(), 1);
    app.stop().await;
}
