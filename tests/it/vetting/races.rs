//! Two at once: exactly one wins, the others are told why not.

use futures_util::future::join_all;
use serde_json::json;

use super::{adverse, answer, content};
use crate::harness::{Answer, TestApp};

fn winners(answers: &[Answer], status: u16) -> usize {
    assert!(
        answers.iter().all(|answer| answer.status == status || matches!(answer.status, 409 | 412)),
        "{answers:?}"
    );
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn one_application_one_submission_one_claim_one_decision() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let answers =
        join_all((0..4).map(|_| app.post("/v1/applications").by(&dora).json(content()).send())).await;
    assert_eq!(winners(&answers, 201), 1);
    let made = answers.into_iter().find(|answer| answer.status == 201).unwrap();
    let path = format!("/v1/applications/{}", made.id());
    let submit = || app.post(&format!("{path}/submit")).by(&dora).if_match(&made.etag()).send();
    assert_eq!(winners(&join_all([submit(), submit(), submit()]).await, 200), 1);
    let kinds = app.kinds(&dora).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "application.submitted").count(), 1);

    let claims = [&sam, &rosa, &sam, &rosa].map(|by| app.post(&format!("{path}/claim")).by(by).send());
    assert_eq!(winners(&join_all(claims).await, 200), 1);
    let seen = app.get(&path).by(&sam).expect(200).await;
    let reviewer = if seen.text_at("/staff/claimed_by") == sam.id { &sam } else { &rosa };
    let act = |verb: &str| app.post(&format!("{path}/{verb}")).by(reviewer).if_match(&seen.etag());
    let decline = act("decline").json(adverse("below_bar"));
    let reject = act("reject_integrity").json(adverse("false_identity"));
    let answers = join_all([decline.send(), act("pass").send(), reject.send()]).await;
    assert_eq!(winners(&answers, 200), 1);
    let decisions = app.get(&format!("{path}/decisions")).by(&dora).expect(200).await;
    assert_eq!(decisions.at("/data").as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn two_reviewers_deciding_at_once_leave_one_decision() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let path = app.submitted(&dora).await;
    let claim =
        json!({ "platform": "Elsewhere", "finished_projects": 50, "rating_hundredths": 480, "links": [] });
    app.sql(&format!("UPDATE applications SET fast_lane = '{claim}'")).await.expect("a claim");
    let seen = app.get(&path).by(&sam).expect(200).await;
    let reason = json!({ "reason": "The profile shows it all." });
    let confirm = |by| {
        app.post(&format!("{path}/confirm_fast_lane")).by(by).if_match(&seen.etag()).json(reason.clone())
    };
    assert_eq!(winners(&join_all([confirm(&sam).send(), confirm(&rosa).send()]).await, 200), 1);

    // After that, two who find fault at once.
    let seen = app.get(&path).by(&sam).expect(200).await;
    let reject = |by| {
        let call = app.post(&format!("{path}/reject_integrity")).by(by).if_match(&seen.etag());
        call.json(adverse("fabricated_evidence")).send()
    };
    let answers = join_all([reject(&sam), reject(&rosa)]).await;
    assert_eq!(winners(&answers, 200), 1);
    let decisions = app.get(&format!("{path}/decisions")).by(&sam).expect(200).await;
    assert_eq!(decisions.at("/data").as_array().unwrap().len(), 2);

    // One appeal, one claim, one answer.
    let decision = format!("/v1/decisions/{}", decisions.text_at("/data/0/id"));
    let answers = join_all((0..3).map(|_| app.appeal(&dora, &decision))).await;
    assert_eq!(winners(&answers, 201), 1);
    let other = if decisions.text_at("/data/0/decided_by") == sam.id { &rosa } else { &sam };
    let filed = answers.into_iter().find(|answer| answer.status == 201).unwrap();
    let appeal = format!("/v1/appeals/{}", filed.id());
    let claims = (0..3).map(|_| app.post(&format!("{appeal}/claim")).by(other).send());
    assert_eq!(winners(&join_all(claims).await, 200), 1);
    let seen = app.get(&appeal).by(other).expect(200).await;
    let decide = |outcome| {
        app.post(&format!("{appeal}/decide")).by(other).if_match(&seen.etag()).json(answer(outcome)).send()
    };
    assert_eq!(winners(&join_all([decide("uphold"), decide("overturn")]).await, 200), 1);
    app.stop().await;
}
