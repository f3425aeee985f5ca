//! Every deadline of vetting, tested by moving the clock.

use chrono::{DateTime, Datelike, Utc, Weekday};
use serde_json::json;

use super::{adverse, answer, content};
use crate::harness::{Person, TestApp};

/// Moves the clock to a Monday noon, so that business days fall where a test expects them.
async fn to_monday(app: &TestApp) {
    let now = app.now();
    let days = u64::from((7 - now.weekday().num_days_from_monday()) % 7);
    app.advance_days(days).await;
    assert_eq!(app.now().weekday(), Weekday::Mon);
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[tokio::test]
async fn screening_is_due_in_three_business_days_and_reviewers_are_told_when_it_is_late() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    to_monday(&app).await;
    app.advance_days(3).await;
    // Thursday: due on Tuesday.
    let dora = app.candidate("dev-dora").await;
    let path = app.submitted(&dora).await;
    let seen = app.get(&path).by(&dora).expect(200).await;
    let due = time(&seen.text_at("/screening_due_at"));
    assert_eq!((due.weekday(), (due - app.now()).num_days()), (Weekday::Tue, 4));
    app.advance_days(4).await;
    assert!(!app.kinds(&sam).await.contains(&"application.screening_overdue".to_owned()));
    app.advance_days(1).await;
    for reviewer in [&sam, &rosa] {
        let kinds = app.kinds(reviewer).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "application.screening_overdue").count(), 1);
    }
    assert_eq!(app.mails("The screening of an application is late").await, 2, "one for each reviewer");
    assert!(!app.kinds(&dora).await.contains(&"application.screening_overdue".to_owned()));
    assert_eq!(app.get(&path).by(&dora).expect(200).await.at("/overdue"), true);

    // The late one leads the queue, and a release does not send it to the end.
    let deniz = app.candidate("dev-deniz").await;
    app.submitted(&deniz).await;
    app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    app.post(&format!("{path}/release")).by(&sam).expect(200).await;
    let queue = app.get("/v1/applications/queue").by(&sam).expect(200).await;
    assert_eq!(queue.at("/data/0/id"), seen.id());
    assert_eq!((queue.at("/data/0/overdue"), queue.at("/data/1/overdue")), (json!(true), json!(false)));
    let late = app.get("/v1/applications/queue?overdue=true").by(&sam).expect(200).await;
    assert_eq!(late.at("/data").as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_answered_in_time_raises_no_alarm() {
    let app = TestApp::start().await;
    let (sam, _) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let path = app.in_screening(&dora, &sam).await;
    app.act(&sam, &path, "pass").await.assert_status(200);
    app.advance_days(20).await;
    assert!(!app.kinds(&sam).await.contains(&"application.screening_overdue".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn a_claim_lapses_after_a_day() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let path = app.in_screening(&dora, &sam).await;
    app.advance(std::time::Duration::from_secs(23 * 3_600)).await;
    assert_eq!(app.state(&dora, &path).await, "screening");
    app.advance(std::time::Duration::from_secs(3_600)).await;
    assert_eq!(app.state(&dora, &path).await, "submitted");
    assert_eq!(app.act(&sam, &path, "pass").await.code(), "state_conflict");
    // A claim made anew has a day of its own.
    app.post(&format!("{path}/claim")).by(&rosa).expect(200).await;
    app.advance(std::time::Duration::from_secs(23 * 3_600)).await;
    assert_eq!(app.state(&dora, &path).await, "screening");
    app.stop().await;
}

#[tokio::test]
async fn a_draft_expires_ninety_days_after_the_last_edit() {
    let app = TestApp::start().await;
    let (sam, _) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let path = app.application(&dora).await;
    app.advance_days(80).await;
    let seen = app.get(&path).by(&dora).expect(200).await;
    let edit = app.patch(&path).by(&dora).if_match(&seen.etag());
    edit.body("application/merge-patch+json", json!({ "hours_per_week": 20 }).to_string()).expect(200).await;
    app.advance_days(89).await;
    assert_eq!(app.state(&dora, &path).await, "draft");
    app.advance_days(1).await;
    assert_eq!(app.state(&dora, &path).await, "expired");
    assert!(app.kinds(&dora).await.contains(&"application.expired".to_owned()));
    assert!(!app.kinds(&sam).await.iter().any(|kind| kind.starts_with("application.")));
    app.application(&dora).await;
    app.stop().await;
}

#[tokio::test]
async fn changes_that_are_not_made_expire_after_thirty_days_with_a_notice_before() {
    let app = TestApp::start().await;
    let (sam, _) = app.reviewers().await;
    let (dora, deniz) = (app.candidate("dev-dora").await, app.candidate("dev-deniz").await);
    let mut paths = Vec::new();
    for person in [&dora, &deniz] {
        let path = app.in_screening(person, &sam).await;
        let changes = json!({ "reason": "One thing is unclear.",
            "notes": [{ "pointer": "/statement", "note": "Which part was yours?" }] });
        app.act_with(&sam, &path, "request_changes", changes).await.assert_status(200);
        paths.push(path);
    }
    app.advance_days(22).await;
    assert!(!app.kinds(&dora).await.contains(&"application.changes_due".to_owned()));
    app.act(&deniz, &paths[1], "submit").await.assert_status(200);
    app.advance_days(1).await;
    assert!(app.kinds(&dora).await.contains(&"application.changes_due".to_owned()));
    assert!(!app.kinds(&deniz).await.contains(&"application.changes_due".to_owned()));
    app.advance_days(7).await;
    assert_eq!(app.state(&dora, &paths[0]).await, "expired");
    assert_eq!(app.mails("Your application waits for changes").await, 1);
    assert_eq!(app.mails("Your application has expired").await, 1);
    assert_eq!(app.state(&deniz, &paths[1]).await, "submitted");
    // It was no decision against the person: they may apply anew at once.
    app.application(&dora).await;
    app.stop().await;
}

async fn refused_until(app: &TestApp, person: &Person) -> (String, DateTime<Utc>) {
    let refused = app.post("/v1/applications").by(person).json(content()).expect(409).await;
    assert_eq!(refused.code(), "guard_failed");
    let wait: i64 = refused.header("retry-after").expect("a Retry-After").parse().expect("seconds");
    let until = app.now() + chrono::Duration::seconds(wait);
    assert!(refused.text.contains(&until.format("%Y-%m-%dT").to_string()), "{refused} names no {until}");
    (refused.at("/why_not/0/code").as_str().unwrap().to_owned(), until)
}

#[tokio::test]
async fn who_was_declined_applies_again_after_thirty_days_then_after_ninety() {
    let app = TestApp::start().await;
    let (sam, _) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let (path, _) = app.declined(&dora, &sam).await;
    let told = time(&app.get(&path).by(&dora).expect(200).await.text_at("/reapply_at"));
    assert_eq!((told - app.now()).num_days(), 29);
    app.advance_days(29).await;
    let (code, until) = refused_until(&app, &dora).await;
    assert_eq!((code.as_str(), (until - app.now()).num_days()), ("cool_down", 0));
    app.advance_days(1).await;
    app.declined(&dora, &sam).await;
    app.advance_days(89).await;
    assert_eq!(refused_until(&app, &dora).await.0, "cool_down");
    app.advance_days(1).await;
    app.application(&dora).await;
    app.stop().await;
}

#[tokio::test]
async fn an_approval_is_announced_sixty_days_before_its_end_and_renewed_without_loss() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let first = app.get("/v1/me/approval").by(&dora).expect(200).await;
    let ends = time(&first.text_at("/expires_at"));
    app.advance_days(487).await;
    assert!(!app.kinds(&dora).await.contains(&"approval.expiring".to_owned()));
    assert_eq!(refused_until(&app, &dora).await.0, "not_approved");
    app.advance_days(1).await;
    assert!(app.kinds(&dora).await.contains(&"approval.expiring".to_owned()));
    assert_eq!(app.mails("Your approval ends soon").await, 1);
    app.approve(&dora).await;
    let second = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!(time(&second.text_at("/expires_at")), ends + chrono::Duration::days(548));
    let old = app.get(&format!("/v1/approvals/{}", first.id())).by(&dora).expect(200).await;
    assert_eq!(old.text_at("/state"), "expired");
    app.advance_days(100).await;
    let kinds = app.kinds(&dora).await;
    assert!(
        kinds.contains(&"approval.renewed".to_owned()) && !kinds.contains(&"approval.expired".to_owned())
    );
    app.stop().await;
}

#[tokio::test]
async fn an_approval_ends_with_its_term_once() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let first = app.get("/v1/me/approval").by(&dora).expect(200).await;
    app.advance_days(547).await;
    assert_eq!(app.get("/v1/me/approval").by(&dora).expect(200).await.text_at("/state"), "active");
    app.advance_days(1).await;
    app.work().await;
    let state = async |id: &str| app.state(&dora, &format!("/v1/approvals/{id}")).await;
    assert_eq!(state(&first.id()).await, "expired");
    let kinds = app.kinds(&dora).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "approval.expired").count(), 1);

    // A timer that is late does not stand in the way of the next approval.
    app.approve(&dora).await;
    let second = app.get("/v1/me/approval").by(&dora).expect(200).await;
    app.post("/sandbox/clock").json(json!({ "advance": "P549D" })).expect(200).await;
    app.approve(&dora).await;
    let third = app.get("/v1/me/approval").by(&dora).expect(200).await;
    app.work().await;
    assert_eq!(state(&second.id()).await, "expired");
    assert_eq!(state(&third.id()).await, "active");
    app.stop().await;
}

#[tokio::test]
async fn an_appeal_is_filed_in_fourteen_days_and_answered_in_ten() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let (dora, deniz) = (app.candidate("dev-dora").await, app.candidate("dev-deniz").await);
    let (_, in_time) = app.declined(&dora, &sam).await;
    let (_, too_late) = app.declined(&deniz, &sam).await;
    app.advance(std::time::Duration::from_secs(14 * 86_400 - 600)).await;
    let appeal = app.appealed(&dora, &in_time).await;
    app.advance(std::time::Duration::from_secs(1_200)).await;
    let late = app.appeal(&deniz, &too_late).await;
    assert_eq!(late.code(), "limit_reached");

    app.advance_days(9).await;
    app.post(&format!("{appeal}/claim")).by(&rosa).expect(200).await;
    assert!(!app.kinds(&rosa).await.contains(&"appeal.overdue".to_owned()));
    app.advance_days(1).await;
    let kinds = app.kinds(&rosa).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "appeal.overdue").count(), 1);
    assert_eq!(app.mails("The answer to an appeal is late").await, 2);
    assert_eq!(app.get("/v1/appeals").by(&sam).expect(200).await.at("/data/0/overdue"), true);
    app.act_with(&rosa, &appeal, "decide", answer("uphold")).await.assert_status(200);
    assert_eq!(app.get("/v1/appeals").by(&sam).expect(200).await.at("/data"), json!([]));
    app.stop().await;
}

#[tokio::test]
async fn an_answered_appeal_raises_no_alarm_and_a_revocation_waits_ninety_days() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let (sam, rosa) = app.reviewers().await;
    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    let path = format!("/v1/approvals/{}", mine.id());
    app.act_with(&rosa, &path, "revoke", adverse("conduct")).await.assert_status(200);
    let application = format!("/v1/applications/{}/decisions", mine.text_at("/application_id"));
    let decision = app.get(&application).by(&dora).expect(200).await.text_at("/data/0/id");
    let appeal = app.appealed(&dora, &format!("/v1/decisions/{decision}")).await;
    app.post(&format!("{appeal}/claim")).by(&sam).expect(200).await;
    app.act_with(&sam, &appeal, "decide", answer("uphold")).await.assert_status(200);
    app.advance_days(89).await;
    assert!(!app.kinds(&sam).await.contains(&"appeal.overdue".to_owned()));
    assert_eq!(refused_until(&app, &dora).await.0, "cool_down");
    app.advance_days(1).await;
    app.application(&dora).await;
    app.stop().await;
}
