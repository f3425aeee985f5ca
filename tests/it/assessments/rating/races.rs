//! Two at once: exactly one wins.

use std::time::Duration;

use assay_kernel::Permission;
use futures_util::future::join_all;
use serde_json::json;

use super::{card, decision};
use crate::harness::{Answer, TestApp};

fn count(answers: &[Answer], status: u16) -> usize {
    assert!(answers.iter().all(|one| one.status == status || matches!(one.status, 409 | 412)), "{answers:?}");
    answers.iter().filter(|one| one.status == status).count()
}

#[tokio::test]
async fn both_cards_at_the_same_instant_are_compared_once() {
    let app = TestApp::start().await;
    let sam = app.reviewer().await;
    for (round, login) in ["dev-dora", "dev-deniz"].into_iter().enumerate() {
        let over = app.over_with(login, "staff-ines", "staff-theo").await;
        let umar = app.assessor("staff-umar").await;
        let mut calls = Vec::new();
        for (rater, card) in [(&over.lead, card(3, "yes")), (&over.observer, card(1, "no"))] {
            let saved = app.save_card(rater, &over.path, &card).await;
            for _ in 0..3 {
                let submit =
                    app.post(&format!("{}/card/submit", over.path)).by(rater).if_match(&saved.etag());
                calls.push(submit.send());
            }
        }
        assert_eq!(count(&join_all(calls).await, 200), 2, "each once");
        let kinds = app.kinds(&sam).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "assessment.disagreed").count(), round + 1);
        let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
        assert_eq!(cards.text_at("/state"), "adjudication");
        assert_eq!(cards.at("/cards").as_array().unwrap().len(), 3, "one third card");
        assert_eq!(cards.text_at("/cards/2/rater_id"), umar.id);
    }
    app.stop().await;
}

#[tokio::test]
async fn one_decision_one_publication_one_appeal_one_answer() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let umar = app.assessor("staff-umar").await;
    let (sam, rosa) = (app.reviewer().await, app.staff("staff-rosa", Permission::Reviewer).await);
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    let seen = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    let mut held = decision("not_ready");
    held["publish"] = json!(false);
    let finalize = |by, body| {
        app.post(&format!("{}/finalize", over.path)).by(by).if_match(&seen.etag()).json(body).send()
    };
    let answers =
        join_all([finalize(&sam, held.clone()), finalize(&rosa, held.clone()), finalize(&sam, held)]).await;
    assert_eq!(count(&answers, 200), 1);

    app.advance_clock(Duration::from_secs(49 * 3_600)).await;
    app.work().await;
    assert_eq!(app.mails("Your assessment is decided: not ready yet").await, 1);

    // An appeal in the last minute, while the worker works.
    app.advance(Duration::from_secs(14 * 86_400 - 120)).await;
    let text = json!({ "text": "The failing test was the task's own fault." });
    let file = || app.post(&format!("{}/appeal", over.path)).by(&over.candidate).json(text.clone()).send();
    let (answers, ()) = futures_util::future::join(join_all([file(), file(), file()]), app.work()).await;
    assert_eq!(count(&answers, 201), 1);
    app.rate(&umar, &over.path, card(3, "yes")).await;
    let other = if app.one("SELECT decided_by_id FROM assessment_outcomes").await
        == crate::assessments::uuid_of(&sam).to_string()
    {
        &rosa
    } else {
        &sam
    };
    let seen = app.get(&format!("{}/cards", over.path)).by(other).expect(200).await;
    app.advance_clock(Duration::from_secs(10 * 86_400 + 60)).await;
    let answer = |outcome: &str| {
        let body = json!({ "outcome": outcome, "reason": "The record was looked at again." });
        app.post(&format!("{}/answer_appeal", over.path)).by(other).if_match(&seen.etag()).json(body).send()
    };
    let (answers, ()) =
        futures_util::future::join(join_all([answer("raise"), answer("keep"), answer("raise")]), app.work())
            .await;
    assert_eq!(count(&answers, 200), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_redo_and_a_decision_at_once_leave_one() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let (sam, rosa) = (app.reviewer().await, app.staff("staff-rosa", Permission::Reviewer).await);
    app.both_rate(&over, card(3, "yes"), card(3, "yes")).await;
    let seen = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    let reason = json!({ "reason": "The task had a defect of its own." });
    let redo =
        app.post(&format!("{}/grant_redo", over.path)).by(&sam).if_match(&seen.etag()).json(reason).send();
    let decide = app.post(&format!("{}/finalize", over.path)).by(&rosa).if_match(&seen.etag());
    let (redo, decided) = futures_util::future::join(redo, decide.json(decision("approved")).send()).await;
    assert!((redo.status == 201) != (decided.status == 200), "{redo} {decided}");
    app.stop().await;
}
