//! Appeals: who files, who answers, what an answer does.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{adverse, answer};
use crate::harness::TestApp;

#[tokio::test]
async fn an_appeal_is_filed_once_and_answered_by_another() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let deniz = app.candidate("dev-deniz").await;
    let (path, decision) = app.declined(&dora, &sam).await;
    let read = app.get(&decision).by(&dora).expect(200).await;
    assert_eq!(read.text_at("/reason_code"), "insufficient_evidence");
    assert_eq!(read.text_at("/evidence/0/finding"), "No commit of the person.");
    assert_eq!((read.at("/decided_by"), read.at("/appeal_id")), (Value::Null, Value::Null));
    app.get(&decision).by(&deniz).expect(404).await;
    app.appeal(&deniz, &decision).await.assert_status(404);
    app.post(&format!("{decision}/appeal")).by(&dora).json(json!({ "text": "No." })).expect(422).await;
    let appeal = app.appealed(&dora, &decision).await;
    assert_eq!(app.appeal(&dora, &decision).await.code(), "already_exists");
    app.get(&appeal).by(&deniz).expect(404).await;

    let queue = app.get("/v1/appeals").by(&sam).expect(200).await;
    assert_eq!(queue.at("/data/0/why_not/0/code"), "another_decided");
    assert_eq!(app.get("/v1/appeals?state=in_review").by(&sam).expect(200).await.at("/data"), json!([]));
    let early = app.act_with(&rosa, &appeal, "decide", answer("uphold")).await;
    assert_eq!(early.code(), "state_conflict");
    app.post(&format!("{appeal}/claim")).by(&rosa).expect(200).await;
    let others = app.act_with(&sam, &appeal, "decide", answer("uphold")).await;
    assert_eq!(others.code(), "guard_failed");
    app.post(&format!("{appeal}/release")).by(&rosa).expect(200).await;
    app.post(&format!("{appeal}/claim")).by(&rosa).expect(200).await;
    app.post(&format!("{appeal}/decide")).by(&rosa).json(answer("uphold")).expect(428).await;
    let upheld = app.act_with(&rosa, &appeal, "decide", answer("uphold")).await;
    assert_eq!(upheld.text_at("/state"), "upheld");
    let told = app.get(&appeal).by(&dora).expect(200).await;
    assert_eq!(told.at("/answer"), answer("uphold")["reason"]);
    assert_eq!(told.at("/reviewer"), Value::Null);
    assert_eq!(app.state(&dora, &path).await, "not_ready");
    let log = app.get("/v1/audit").by(&app.staff("staff-rosa", Permission::Admin).await).expect(200).await;
    assert!(log.text.contains("appeal.decide") && log.text.contains("vetting.not_ready"), "{log}");
    app.stop().await;
}

#[tokio::test]
async fn the_database_holds_that_another_decides() {
    let app = TestApp::start().await;
    let (sam, _) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let (_, decision) = app.declined(&dora, &sam).await;
    app.appealed(&dora, &decision).await;
    for who in ["against_id", "account_id"] {
        let own = format!("UPDATE appeals SET state = 'in_review', decided_by_id = {who}");
        assert!(app.sql(&own).await.unwrap_err().to_string().contains("appeals_another_decides"));
    }
    let swapped = "UPDATE appeals SET against_id = account_id";
    assert!(app.sql(swapped).await.unwrap_err().to_string().contains("appeals_names_the_decider"));
    let own = "UPDATE decisions SET decided_by_id = account_id";
    assert!(app.sql(own).await.is_err());
    app.stop().await;
}

#[tokio::test]
async fn a_decision_in_ones_favour_cannot_be_appealed() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    let application = format!("/v1/applications/{}", mine.text_at("/application_id"));
    let seen = app.get(&application).by(&dora).expect(200).await;
    let refused = app.appeal(&dora, &format!("/v1/decisions/{}", seen.text_at("/decision/id"))).await;
    assert_eq!(refused.code(), "state_conflict");
    app.stop().await;
}

#[tokio::test]
async fn an_overturned_rejection_forgives_and_a_newer_application_goes_on() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let path = app.in_screening(&dora, &sam).await;
    let rejected = app.act_with(&sam, &path, "reject_integrity", adverse("false_identity")).await;
    let decision = format!("/v1/decisions/{}", rejected.text_at("/decision/id"));
    let barred = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(barred.at("/reapply_at"), Value::Null);
    let apply = || app.post("/v1/applications").by(&dora).json(super::content());
    assert_eq!(apply().expect(409).await.at("/why_not/0/code"), "no_integrity_decision");
    let appeal = app.appealed(&dora, &decision).await;
    app.post(&format!("{appeal}/claim")).by(&rosa).expect(200).await;
    app.act_with(&rosa, &appeal, "decide", answer("overturn")).await.assert_status(200);
    assert_eq!(app.state(&dora, &path).await, "submitted");
    app.act(&dora, &path, "withdraw").await.assert_status(200);

    // A late answer meets a newer application, which it leaves alone; the old decline no longer counts.
    let second = app.in_screening(&dora, &rosa).await;
    let declined = app.act_with(&rosa, &second, "decline", adverse("below_bar")).await;
    let appeal = app.appealed(&dora, &format!("/v1/decisions/{}", declined.text_at("/decision/id"))).await;
    app.advance_days(30).await;
    let third = app.application(&dora).await;
    app.post(&format!("{appeal}/claim")).by(&sam).expect(200).await;
    app.act_with(&sam, &appeal, "decide", answer("overturn")).await.assert_status(200);
    assert_eq!(app.state(&dora, &second).await, "not_ready");
    assert_eq!(app.state(&dora, &third).await, "draft");
    app.act(&dora, &third, "withdraw").await.assert_status(200);
    apply().expect(201).await;
    app.stop().await;
}
