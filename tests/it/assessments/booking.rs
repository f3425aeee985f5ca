//! A candidate's road to a session: request, slots, hold, book, move, give up, wait.

use std::collections::BTreeSet;
use std::time::Duration as Std;

use chrono::{DateTime, Duration, Timelike, Utc};
use serde_json::{Value, json};

use super::uuid_of;
use crate::harness::{Answer, Person, TestApp};

impl TestApp {
    /// The next whole hour, some days from now.
    pub fn whole_hour(&self, days: i64) -> DateTime<Utc> {
        let at = self.now() + Duration::days(days) + Duration::hours(1);
        at.date_naive().and_hms_opt(at.hour(), 0, 0).expect("a time").and_utc()
    }

    /// A requested assessment of a ready candidate on the track `backend`. Answers its path.
    pub async fn requested(&self, person: &Person, application: &str) -> String {
        let body = json!({ "application_id": application, "track": "backend", "zone": "Europe/Lisbon" });
        let made = self.post("/v1/assessments").by(person).json(body).expect(201).await;
        format!("/v1/assessments/{}", made.id())
    }

    /// Tries to hold a start.
    pub async fn hold(&self, person: &Person, path: &str, start: DateTime<Utc>) -> Answer {
        self.post(&format!("{path}/hold")).by(person).json(json!({ "starts_at": start })).send().await
    }

    /// Tries an act on the newest version of a thing.
    async fn now_act(&self, person: &Person, path: &str, verb: &str, body: Option<Value>) -> Answer {
        let etag = self.get(path).by(person).expect(200).await.etag();
        let call = self.post(&format!("{path}/{verb}")).by(person).if_match(&etag);
        match body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        }
    }

    /// Holds and books a start.
    pub async fn booked(&self, person: &Person, path: &str, start: DateTime<Utc>) -> Answer {
        self.hold(person, path, start).await.assert_status(200);
        let booked = self.now_act(person, path, "book", None).await;
        booked.assert_status(200);
        booked
    }
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn an_assessment_is_requested_on_declared_terms() {
    let app = TestApp::start().await;
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, others) = app.ready("dev-deniz").await;
    let body = |application: &str, track: &str, zone: &str| json!({ "application_id": application, "track": track, "zone": zone });
    let ask = |body: Value| app.post("/v1/assessments").by(&dora).json(body);
    for (bad, pointer) in [
        (body(&application, "backend", "Mars/Olympus"), "/zone"),
        (body(&application, "frontend", "UTC"), "/track"),
        (body(&application, "", "UTC"), "/track"),
    ] {
        assert_eq!(ask(bad).expect(422).await.text_at("/errors/0/pointer"), pointer);
    }
    ask(json!({ "application_id": "app_x", "track": "backend", "zone": "UTC" })).expect(422).await;
    ask(body(&others, "backend", "UTC")).expect(404).await;
    let made = ask(body(&application, "backend", "Europe/Lisbon")).expect(201).await;
    assert_eq!((made.text_at("/state"), made.text_at("/zone")), ("requested".into(), "Europe/Lisbon".into()));
    assert!(!made.text_at("/ai_policy").is_empty() && !made.text_at("/task/asked").is_empty());
    assert_eq!(made.at("/policy/session_minutes"), json!(120));
    assert_eq!(made.at("/hosts"), Value::Null);
    let allowed = strings(&made.at("/allowed_actions"));
    assert_eq!(allowed, ["cancel", "hold", "wait"].map(str::to_owned).into());
    assert_eq!(made.text_at("/why_not/0/code"), "hold_live");
    assert_eq!(ask(body(&application, "databases", "UTC")).expect(409).await.code(), "already_exists");

    let path = format!("/v1/assessments/{}", made.id());
    app.get(&path).by(&deniz).expect(404).await;
    app.post(&format!("{path}/hold"))
        .by(&deniz)
        .json(json!({ "starts_at": app.whole_hour(3) }))
        .expect(404)
        .await;
    let ines = app.assessor("staff-ines").await;
    app.get(&path).by(&ines).expect(404).await;
    let rosa = app.staff("staff-rosa", assay_kernel::Permission::Reviewer).await;
    app.get(&path).by(&rosa).expect(200).await;
    let mine = app.get("/v1/assessments").by(&dora).expect(200).await;
    assert_eq!(mine.text_at("/data/0/id"), made.id());
    assert_eq!(app.get("/v1/assessments").by(&deniz).expect(200).await.at("/data"), json!([]));
    assert_eq!(
        app.get("/v1/assessments?state=requested")
            .by(&rosa)
            .expect(200)
            .await
            .at("/data")
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // Given up and asked anew: another task.
    app.now_act(&dora, &path, "cancel", None).await.assert_status(200);
    let again = ask(body(&application, "backend", "UTC")).expect(201).await;
    assert_eq!(
        (again.text_at("/redo_reason"), again.text_at("/redo_of_id")),
        ("cancelled".into(), made.id())
    );
    assert_ne!(again.text_at("/task/family"), made.text_at("/task/family"));
    app.stop().await;
}

#[tokio::test]
async fn slots_are_offered_with_notice_in_the_candidates_zone() {
    let app = TestApp::start().await;
    let (dora, _) = app.ready("dev-dora").await;
    let slots = "/v1/assessments/slots?track=backend";
    assert_eq!(app.get(slots).by(&dora).expect(200).await.at("/data"), json!([]));
    app.assessor("staff-ines").await;
    assert_eq!(
        app.get(slots).by(&dora).expect(200).await.at("/data"),
        json!([]),
        "one person makes no panel"
    );
    app.assessor("staff-theo").await;
    let all = app.get(&format!("{slots}&zone=Asia/Kathmandu")).by(&dora).expect(200).await;
    let starts: Vec<DateTime<Utc>> = all
        .at("/data")
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| serde_json::from_value(slot["starts_at"].clone()).unwrap())
        .collect();
    assert!(starts.len() > 1_000 && starts.is_sorted());
    let (first, last) = (starts[0] - app.now(), starts[starts.len() - 1] - app.now());
    assert!(first >= Duration::hours(24) && first <= Duration::hours(25), "{first}");
    assert!(last < Duration::days(28) && last > Duration::days(27), "{last}");
    assert!(all.text_at("/data/0/starts_at_local").ends_with("+05:45"));
    assert!(!all.text.contains("acc_") && !all.text.contains("staff-"), "assessors are not named");

    // A narrow range names the nearest days outside it.
    let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let now = app.now();
    let early = format!("{slots}&from={}&to={}", stamp(now), stamp(now + Duration::hours(3)));
    let early = app.get(&early).by(&dora).expect(200).await;
    assert_eq!(early.at("/data"), json!([]));
    assert_eq!(early.at("/nearest").as_array().unwrap().len(), 3);
    for bad in [
        "&zone=Mars/Olympus",
        "&from=yesterday",
        "&from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z",
        "&colour=red",
    ] {
        app.get(&format!("{slots}{bad}")).by(&dora).expect(400).await;
    }
    app.get("/v1/assessments/slots?track=frontend").by(&dora).expect(404).await;
    let fred = app.sign_up("fred-forks", &["developer"]).await;
    app.get(slots).by(&fred).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn who_is_tied_to_the_candidate_is_left_out() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (dora, application) = app.ready("dev-dora").await;
    let path = app.requested(&dora, &application).await;
    let start = app.whole_hour(3);
    app.sql(&format!("UPDATE assessors SET employer = '@Tidewater' WHERE account_id = '{}'", uuid_of(&ines)))
        .await
        .unwrap();
    app.sql(&format!(
        "INSERT INTO portfolios (account_id, profile, updated_at) VALUES ('{}', '{{\"company\": \"tidewater \"}}', now())
         ON CONFLICT (account_id) DO UPDATE SET profile = EXCLUDED.profile", uuid_of(&dora))).await.expect("a portfolio");
    app.hold(&dora, &path, start).await.assert_status(409);
    app.assessor("staff-kaya").await;
    app.hold(&dora, &path, start).await.assert_status(200);
    let seats = "SELECT count(*) AS n FROM booking_hosts WHERE assessor_id =";
    assert_eq!(app.number(&format!("{seats} '{}'", uuid_of(&ines))).await, 0);
    assert_eq!(app.number(&format!("{seats} '{}'", uuid_of(&theo))).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn a_start_is_held_booked_moved_and_given_up() {
    let app = TestApp::start().await;
    app.assessor("staff-ines").await;
    app.assessor("staff-theo").await;
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, others) = app.ready("dev-deniz").await;
    let (path, other) = (app.requested(&dora, &application).await, app.requested(&deniz, &others).await);
    let (first, second) = (app.whole_hour(3), app.whole_hour(5));
    for never in [
        first + Duration::minutes(7),
        first + Duration::milliseconds(1),
        app.whole_hour(0),
        app.whole_hour(40),
    ] {
        let refused = app.hold(&dora, &path, never).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "slot_taken"), "{never}");
        assert_eq!(refused.at("/alternatives").as_array().unwrap().len(), 5);
    }
    app.post(&format!("{path}/hold")).by(&dora).json(json!({})).expect(422).await;
    let refused = app.now_act(&dora, &path, "book", None).await;
    assert_eq!((refused.status, refused.text_at("/why_not/0/code")), (409, "hold_live".to_owned()));

    // A hold keeps others away, and a second one gives the first back.
    let held = app.hold(&dora, &path, first).await;
    assert_ne!(held.at("/hold/starts_at_local"), Value::Null);
    assert_eq!(app.hold(&deniz, &other, first).await.status, 409);
    app.hold(&dora, &path, second).await.assert_status(200);
    app.hold(&deniz, &other, first).await.assert_status(200);
    // The first hold's version is stale: it was for another time.
    app.post(&format!("{path}/book")).by(&dora).if_match(&held.etag()).expect(412).await;
    let booked = app.now_act(&dora, &path, "book", None).await;
    booked.assert_status(200);
    assert_eq!((booked.text_at("/state"), booked.at("/hold")), ("booked".to_owned(), Value::Null));
    assert_eq!(booked.text_at("/starts_at"), second.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    app.post(&format!("{other}/release")).by(&deniz).expect(200).await;
    app.post(&format!("{other}/release")).by(&deniz).expect(409).await;

    // Moved twice, also onto a time that touches the present one; not a third time.
    let to = |start: DateTime<Utc>| Some(json!({ "starts_at": start }));
    assert_eq!(app.now_act(&dora, &path, "reschedule", to(second)).await.status, 422);
    let near = second + Duration::hours(1);
    app.now_act(&dora, &path, "reschedule", to(near)).await.assert_status(200);
    let moved = app.now_act(&dora, &path, "reschedule", to(first)).await;
    moved.assert_status(200);
    assert_eq!(moved.at("/reschedules"), json!(2));
    let third = app.now_act(&dora, &path, "reschedule", to(second)).await;
    assert_eq!((third.status, third.text_at("/why_not/0/code")), (409, "reschedules_left".to_owned()));
    assert_eq!(app.number("SELECT count(*) AS n FROM bookings WHERE state = 'rescheduled'").await, 2);

    let kinds = app.kinds(&dora).await;
    for kind in ["assessment.requested", "assessment.booked", "assessment.rescheduled"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind} of {kinds:?}");
    }
    app.now_act(&dora, &path, "cancel", None).await.assert_status(200);
    assert_eq!(
        app.number("SELECT count(*) AS n FROM booking_hosts WHERE state = 'cancelled_early'").await,
        2
    );
    app.stop().await;
}

#[tokio::test]
async fn changes_have_their_times() {
    let app = TestApp::start().await;
    app.assessor("staff-ines").await;
    app.assessor("staff-theo").await;
    let (dora, application) = app.ready("dev-dora").await;
    let path = app.requested(&dora, &application).await;
    let start = app.whole_hour(3);
    app.booked(&dora, &path, start).await;
    let late = start - Duration::hours(24) - app.now() + Duration::seconds(1);
    app.advance_clock(late.to_std().unwrap()).await;
    let moved =
        app.now_act(&dora, &path, "reschedule", Some(json!({ "starts_at": app.whole_hour(6) }))).await;
    assert_eq!((moved.status, moved.text_at("/why_not/0/code")), (409, "in_good_time".to_owned()));
    app.now_act(&dora, &path, "cancel", None).await.assert_status(200);
    assert_eq!(app.number("SELECT count(*) AS n FROM bookings WHERE state = 'cancelled_late'").await, 1);

    // A hold runs out to the second, by the clock and by its timer.
    let path = app.requested(&dora, &application).await;
    app.hold(&dora, &path, app.whole_hour(4)).await.assert_status(200);
    app.advance_clock(Std::from_secs(601)).await;
    assert_eq!(app.get(&path).by(&dora).expect(200).await.at("/hold"), Value::Null);
    assert_eq!(app.now_act(&dora, &path, "book", None).await.status, 409);
    app.work().await;
    assert_eq!(app.number("SELECT count(*) AS n FROM booking_hosts WHERE state = 'expired'").await, 2);
    app.stop().await;
}

#[tokio::test]
async fn a_missed_session_costs_a_week() {
    let app = TestApp::start().await;
    app.assessor("staff-ines").await;
    app.assessor("staff-theo").await;
    let (dora, application) = app.ready("dev-dora").await;
    let path = app.requested(&dora, &application).await;
    let start = app.whole_hour(2);
    app.booked(&dora, &path, start).await;
    app.sql("UPDATE assessments SET state = 'candidate_no_show'").await.unwrap();
    app.sql("UPDATE bookings SET state = 'no_show'").await.unwrap();
    app.sql("UPDATE booking_hosts SET state = 'no_show'").await.unwrap();
    let path = app.requested(&dora, &application).await;
    let seen = app.get(&path).by(&dora).expect(200).await;
    let from: DateTime<Utc> = serde_json::from_value(seen.at("/bookable_from")).unwrap();
    assert_eq!(from, start + Duration::days(7));
    assert_eq!(seen.text_at("/redo_reason"), "candidate_no_show");
    assert_eq!(app.hold(&dora, &path, from - Duration::minutes(30)).await.status, 409);
    app.hold(&dora, &path, from).await.assert_status(200);
    let slots = app.get("/v1/assessments/slots?track=backend").by(&dora).expect(200).await;
    let first: DateTime<Utc> = serde_json::from_value(slots.at("/data/0/starts_at")).unwrap();
    assert_eq!(first, from);
    app.stop().await;
}

#[tokio::test]
async fn who_waits_is_told_in_order() {
    let app = TestApp::start().await;
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, others) = app.ready("dev-deniz").await;
    let (path, other) = (app.requested(&dora, &application).await, app.requested(&deniz, &others).await);
    let wait = |who, path: &str| app.post(&format!("{path}/wait")).by(who);
    let waiting = wait(&dora, &path).expect(200).await;
    assert_ne!(waiting.at("/waiting_since"), Value::Null);
    wait(&dora, &path).expect(200).await;
    app.advance_clock(Std::from_secs(60)).await;
    wait(&deniz, &other).expect(200).await;
    assert_eq!(app.mails("Nobody has time for assessments: backend").await, 1, "one alarm for the track");
    let told = "There is time for your assessment";
    assert_eq!(app.mails(told).await, 0);

    // One start on one day of the horizon: the first in the list is told, the second a day later.
    let ines = app.assessor("staff-ines").await;
    let theo = app.assessor("staff-theo").await;
    let date = app.whole_hour(5).date_naive();
    let rules = json!({ "zone": "UTC", "weekly": [], "overrides": [{ "date": date, "intervals": [{ "start": "09:00", "end": "11:00" }] }] });
    for assessor in [&ines, &theo] {
        let seen = app.get("/v1/assessors/me").by(assessor).expect(200).await;
        app.put("/v1/assessors/me").by(assessor).if_match(&seen.etag()).json(rules.clone()).expect(200).await;
    }
    assert_eq!(app.mails(told).await, 1);
    let first = "SELECT count(*) AS n FROM assessments WHERE slots_told_at IS NOT NULL AND candidate_id =";
    assert_eq!(app.number(&format!("{first} '{}'", uuid_of(&dora))).await, 1);
    let refused = wait(&dora, &path).expect(200).await;
    assert_ne!(refused.at("/waiting_since"), Value::Null, "the place in the list stays");
    app.advance_days(1).await;
    assert_eq!(app.mails(told).await, 2);

    // Who has booked waits no more; who finds starts cannot wait.
    let start = date.and_hms_opt(9, 0, 0).unwrap().and_utc();
    let booked = app.booked(&deniz, &other, start).await;
    assert_eq!(booked.at("/waiting_since"), Value::Null);
    app.advance(Std::from_secs(7_200)).await;
    assert_eq!(app.mails(told).await, 2);
    app.now_act(&deniz, &other, "cancel", None).await.assert_status(200);
    assert_eq!(app.mails(told).await, 3, "the time is free again for who waits");
    let other = app.requested(&deniz, &others).await;
    let refused = wait(&deniz, &other).expect(409).await;
    assert_eq!(refused.text_at("/why_not/0/code"), "slots_gone");
    assert_eq!(refused.at("/alternatives").as_array().unwrap().len(), 1);
    app.stop().await;
}
