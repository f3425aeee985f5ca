//! Appeals against outcomes: who rates anew, who answers, what an answer does, and the one road there is.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{card, card_saying, decision};
use crate::assessments::uuid_of;
use crate::harness::TestApp;

#[tokio::test]
async fn an_appeal_is_rated_anew_and_answered_by_another() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    // Kaya has read the cards as a reviewer; Umar has not.
    let (kaya, umar) = (app.assessor("staff-kaya").await, app.assessor("staff-umar").await);
    app.staff("staff-kaya", Permission::Reviewer).await;
    app.both_rate(&over, card_saying(1, "no", "Firstcanary"), card(1, "no")).await;
    app.get(&format!("{}/cards", over.path)).by(&kaya).expect(200).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);

    // Vetting sends the person here: one road for one thing.
    let decisions = app.get(&format!("{}/decisions", over.application)).by(&over.candidate).expect(200).await;
    assert_eq!(decisions.at("/data/0/assessment_id"), over.path.rsplit('/').next().unwrap());
    let there =
        app.appeal(&over.candidate, &format!("/v1/decisions/{}", decisions.text_at("/data/0/id"))).await;
    assert_eq!(
        (there.code(), there.text_at("/why_not/0/code")),
        ("guard_failed".into(), "appealed_elsewhere".into())
    );
    assert!(there.text.contains(&format!("{}/appeal", over.path)), "{there}");

    let path = format!("{}/appeal", over.path);
    let text = json!({ "text": "The failing test was the task's own; see the last commit." });
    let deniz = app.candidate("dev-deniz").await;
    app.post(&path).by(&deniz).json(text.clone()).expect(404).await;
    app.post(&path).by(&over.candidate).json(json!({ "text": "No." })).expect(422).await;
    let filed = app.post(&path).by(&over.candidate).json(text.clone()).expect(201).await;
    assert_eq!(filed.text_at("/state"), "appealed");
    assert_eq!(app.mails("Your appeal has arrived").await, 1);
    app.post(&path).by(&over.candidate).json(text.clone()).expect(409).await;
    assert_eq!(app.rater_of(&over.path, "appeal").await, uuid_of(&umar));

    // Who rates anew sees neither the cards nor the feedback, reviewer or not.
    app.staff("staff-umar", Permission::Reviewer).await;
    for what in ["cards", "outcome", "integrity_concerns"] {
        let refused = app.get(&format!("{}/{what}", over.path)).by(&umar).expect(403).await;
        assert!(!refused.text.contains("canary"));
    }
    let early = app
        .review(
            &sam,
            &over.path,
            "answer_appeal",
            json!({ "outcome": "keep", "reason": "It stands as it is." }),
        )
        .await;
    assert_eq!(early.code(), "state_conflict");
    app.rate(&umar, &over.path, card(3, "yes")).await;

    let raise = json!({ "outcome": "raise", "reason": "The record shows the fix; it reaches the bar." });
    let decider = app.review(&sam, &over.path, "answer_appeal", raise.clone()).await;
    assert_eq!(decider.text_at("/why_not/0/code"), "another_decided");
    let rater = app.review(&umar, &over.path, "answer_appeal", raise.clone()).await;
    assert_eq!(rater.text_at("/why_not/0/code"), "no_conflict");
    let lower = app
        .review(
            &kaya,
            &over.path,
            "answer_appeal",
            json!({ "outcome": "lower", "reason": "Worse than it looked." }),
        )
        .await;
    assert_eq!(lower.text_at("/errors/0/pointer"), "/outcome");
    let answered = app.review(&kaya, &over.path, "answer_appeal", raise).await;
    answered.assert_status(200);
    assert_eq!(
        (answered.text_at("/outcome"), answered.text_at("/state")),
        ("approved".into(), "finalized".into())
    );
    assert_eq!(app.state(&over.candidate, &over.application).await, "approved");
    assert_eq!(app.get("/v1/me/approval").by(&over.candidate).expect(200).await.text_at("/state"), "active");
    let fallen = app.get(&format!("{}/decisions", over.application)).by(&over.candidate).expect(200).await;
    assert!(fallen.at("/data/1/overturned_at").is_string(), "{fallen}");
    assert_eq!(app.mails("Your appeal succeeded").await, 1);
    let told = app.get(&format!("{}/outcome", over.path)).by(&over.candidate).expect(200).await;
    assert_eq!((told.text_at("/appeal/outcome"), told.at("/staff")), ("raise".into(), Value::Null));
    assert!(!told.text.contains(&umar.id) && !told.text.contains(&kaya.id));
    app.post(&path).by(&over.candidate).json(text).expect(409).await;
    app.stop().await;
}

#[tokio::test]
async fn a_kept_outcome_stays_and_can_not_be_appealed_again() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    let path = format!("{}/appeal", over.path);
    let text = json!({ "text": "The failing test was the task's own; see the last commit." });
    app.post(&path).by(&over.candidate).json(text.clone()).expect(201).await;
    // Nobody was free; a reviewer appoints somebody who came later.
    assert_eq!(app.mails("An assessment needs a rater").await, 2);
    let umar = app.assessor("staff-umar").await;
    let reason = json!({ "reason": "Came to the team only now." });
    app.post(&format!("{}/appoint_rater", over.path)).by(&rosa).json(reason).expect(200).await;
    app.rate(&umar, &over.path, card(1, "no")).await;
    let keep = json!({ "outcome": "keep", "reason": "The record shows the same." });
    app.review(&rosa, &over.path, "answer_appeal", keep.clone()).await.assert_status(200);
    assert_eq!(app.state(&over.candidate, &over.application).await, "not_ready");
    assert_eq!(app.mails("Your appeal was answered").await, 1);
    app.post(&path).by(&over.candidate).json(text).expect(409).await;
    app.review(&rosa, &over.path, "answer_appeal", keep).await.assert_status(409);
    let own = "UPDATE assessment_appeals SET decided_by_id = against_id";
    assert!(app.sql(own).await.unwrap_err().to_string().contains("assessment_appeals_another_decides"));
    app.stop().await;
}
