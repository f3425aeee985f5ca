//! The session, from check-in to its end, and what happens when somebody does not come.

use std::collections::BTreeMap;
use std::time::Duration as Time;

use assay_kernel::Permission;
use assay_kernel::ids::AssessmentId;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::uuid_of;
use crate::harness::{Answer, Person, TestApp};

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

    /// The assessment that followed another, as its candidate sees it.
    async fn follower(&self, candidate: &Person) -> Answer {
        let all = self.get("/v1/assessments?state=requested").by(candidate).expect(200).await;
        let path = format!("/v1/assessments/{}", all.text_at("/data/0/id"));
        self.get(&path).by(candidate).expect(200).await
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
    let start: DateTime<Utc> =
        serde_json::from_value(app.get(&path).by(&candidate).expect(200).await.at("/starts_at"))
            .expect("a start");
    let application = app.get(&path).by(&candidate).expect(200).await.text_at("/application_id");
    let again = app.requested(&candidate, &application).await;
    let again = app.get(&again).by(&candidate).expect(200).await;
    assert_eq!(again.text_at("/redo_reason"), "candidate_no_show");
    let from: DateTime<Utc> = serde_json::from_value(again.at("/bookable_from")).expect("a time");
    assert_eq!(from, start + Duration::days(7));
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
    app.rebooked_at_once(&candidate, "assessor_no_show").await;
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
    app.rebooked_at_once(&candidate, "technical").await;
    app.stop().await;
}

impl TestApp {
    /// A new assessment is there, with another task, and can be booked at once.
    async fn rebooked_at_once(&self, candidate: &Person, reason: &str) {
        let next = self.follower(candidate).await;
        assert_eq!(next.text_at("/redo_reason"), reason);
        assert_eq!(next.at("/priority"), json!(reason == "assessor_no_show"));
        let former = format!("/v1/assessments/{}", next.text_at("/redo_of_id"));
        let former = self.get(&former).by(candidate).expect(200).await;
        assert_ne!(next.text_at("/task/family"), former.text_at("/task/family"));
        let path = format!("/v1/assessments/{}", next.id());
        self.booked(candidate, &path, self.whole_hour(3)).await;
    }
}

#[tokio::test]
async fn check_in_ends_to_the_second() {
    let app = TestApp::start().await;
    let Seats { path, candidate, lead, observer } = app.seats().await;
    let check_in = |who| app.post(&format!("{path}/check_in")).by(who);
    app.advance_clock(DAYS - minutes(31)).await;
    let early = check_in(&lead).expect(409).await;
    assert_eq!(early.text_at("/why_not/0/code"), "near_start");
    app.advance_clock(minutes(31 + 14)).await;
    // Late, but there: the candidate first, alone; then the lead.
    assert_eq!(check_in(&candidate).expect(200).await.at("/state"), "booked");
    app.work().await;
    assert_eq!(check_in(&lead).expect(200).await.at("/state"), "checked_in");
    app.advance(minutes(1)).await;
    let late = check_in(&observer).expect(409).await;
    assert_eq!(late.text_at("/why_not/0/code"), "near_start");
    assert_eq!(app.state_in_table().await, ["checked_in"], "the close found both there");
    app.stop().await;
}

#[tokio::test]
async fn one_in_training_moves_nothing() {
    let app = TestApp::start().await;
    let Seats { path, candidate, lead, .. } = app.seats().await;
    let shadow = app.staff("staff-umar", Permission::Assessor).await;
    let now = app.now();
    app.sql(&format!(
        "INSERT INTO assessors (account_id, zone, weekly, overrides, joined_at, updated_at)
         VALUES ('{}', 'UTC', '[]', '[]', '{now}', '{now}')",
        uuid_of(&shadow)
    ))
    .await
    .expect("an assessor");
    app.sql(&format!("INSERT INTO assessor_tracks VALUES ('{}', 'backend', 'shadow')", uuid_of(&shadow)))
        .await
        .expect("a track");
    let act = |verb: &str| app.post(&format!("{path}/{verb}"));
    act("shadow").by(&shadow).expect(200).await;
    app.advance(DAYS - minutes(5)).await;
    for person in [&candidate, &lead, &shadow] {
        act("check_in").by(person).expect(200).await;
    }
    let blocked = async |verb: &str, body: Option<Value>| {
        let call = act(verb).by(&shadow);
        let refused = match body {
            Some(body) => call.json(body).expect(409).await,
            None => call.expect(409).await,
        };
        refused.text_at("/why_not/0/code")
    };
    let reason = || Some(json!({ "reason": "The video broke down." }));
    assert_eq!(blocked("start", None).await, "leads_it");
    assert_eq!(blocked("abort", reason()).await, "hosts_it");
    act("start").by(&lead).expect(200).await;
    assert_eq!(blocked("end", None).await, "leads_it");
    assert_eq!(blocked("abort", reason()).await, "hosts_it");
    assert_eq!(app.state_in_table().await, ["in_progress"]);
    app.stop().await;
}

#[tokio::test]
async fn two_starts_at_once_are_one() {
    let app = TestApp::start().await;
    let Seats { path, candidate, lead, .. } = app.seats().await;
    app.advance(DAYS).await;
    for person in [&candidate, &lead] {
        app.post(&format!("{path}/check_in")).by(person).expect(200).await;
    }
    let start = || app.post(&format!("{path}/start")).by(&lead).send();
    let (one, two) = tokio::join!(start(), start());
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one} {two}");
    let kinds = app.kinds(&candidate).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "assessment.started").count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_check_in_and_the_close_have_one_outcome() {
    let app = TestApp::start().await;
    let (candidate, application) = app.ready("dev-dora").await;
    let (lead, observer) = (app.assessor("staff-sam").await, app.assessor("claire-client").await);
    let mut outcomes = BTreeMap::new();
    for round in 0..10 {
        let start = app.now() + Duration::minutes(20);
        let path = app.seated(&candidate, &application, (&lead, &observer), start).await;
        app.clock_of(&path, "close_absence", start + Duration::minutes(15)).await;
        app.post(&format!("{path}/check_in")).by(&lead).expect(200).await;
        // A second before the close; the clock goes on while the candidate checks in.
        let left = start + Duration::minutes(15) - Duration::seconds(1) - app.now();
        app.advance_clock(left.to_std().expect("ahead")).await;
        app.get("/v1/me").by(&candidate).expect(200).await;
        let close = async {
            // The later rounds let the candidate go first.
            tokio::time::sleep(Time::from_millis(round)).await;
            app.advance(Time::from_secs(2)).await;
        };
        let (came, ()) = tokio::join!(app.post(&format!("{path}/check_in")).by(&candidate).send(), close);
        app.work().await;
        let state = app.get(&path).by(&candidate).expect(200).await.text_at("/state");
        let told = app.mails("You missed your session: backend").await;
        match (came.status, state.as_str()) {
            (200, "checked_in") | (409, "candidate_no_show") => {}
            other => panic!("{other:?} in round {round}: {came}"),
        }
        *outcomes.entry(state).or_insert(0_usize) += 1;
        assert_eq!(told, outcomes.get("candidate_no_show").copied().unwrap_or(0), "who came is told nothing");
        for statement in [
            "UPDATE assessments SET state = 'cancelled'",
            "UPDATE bookings SET state = 'cancelled_early'",
            "UPDATE booking_hosts SET state = 'cancelled_early'",
            "DELETE FROM timers WHERE machine = 'assessment'",
        ] {
            app.sql(statement).await.expect("a new round");
        }
    }
    println!("ten closes against check-ins: {outcomes:?}");
    app.stop().await;
}
