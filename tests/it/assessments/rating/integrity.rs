//! Integrity, apart from skill.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{card, decision};
use crate::harness::TestApp;

fn concern(word: &str) -> Value {
    json!({ "text": format!("Somebody else dictated the answers: {word}."),
        "evidence": [{ "source": "https://git.example/commits", "finding": format!("Commits of another: {word}.") }] })
}

fn uphold() -> Value {
    json!({ "outcome": "uphold", "reason_code": "another_persons_work", "reason": "The commits are another person's.",
        "evidence": [{ "source": "https://git.example/commits", "finding": "All by another account." }] })
}

#[tokio::test]
async fn an_upheld_concern_voids_the_assessment_and_refuses_the_application() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let path = format!("{}/integrity_concerns", over.path);
    let umar = app.assessor("staff-umar").await;
    app.post(&path).by(&umar).json(concern("x")).expect(404).await;
    app.post(&path).by(&over.candidate).json(concern("x")).expect(403).await;
    let bare =
        app.post(&path).by(&over.lead).json(json!({ "text": "Something is off with it.", "evidence": [] }));
    assert_eq!(bare.expect(422).await.text_at("/errors/0/pointer"), "/evidence");
    let raised = app.post(&path).by(&over.lead).json(concern("Wordcanary")).expect(201).await;
    let decide = format!("/v1/integrity_concerns/{}/decide", raised.id());

    // Nobody who rates sees it, reviewer or not; it is on no card.
    app.staff("staff-theo", Permission::Reviewer).await;
    app.staff("staff-ines", Permission::Reviewer).await;
    app.get(&path).by(&over.observer).expect(403).await;
    app.post(&decide).by(&over.observer).json(uphold()).expect(403).await;
    assert!(!app.kinds(&over.observer).await.contains(&"assessment.concern_raised".to_owned()));
    assert!(app.kinds(&sam).await.contains(&"assessment.concern_raised".to_owned()));
    let own = app.get(&format!("{}/card", over.path)).by(&over.lead).expect(200).await;
    assert!(!own.text.contains("Wordcanary"));
    let listed = app.get(&path).by(&sam).expect(200).await;
    assert_eq!(listed.text_at("/data/0/raised_by"), over.lead.id);

    let missing =
        app.post(&decide).by(&sam).json(json!({ "outcome": "uphold", "reason": "Looks bad to me." }));
    let missing = missing.expect(422).await;
    assert_eq!(missing.at("/errors").as_array().unwrap().len(), 2, "{missing}");
    let mut skill = uphold();
    skill["reason_code"] = json!("below_bar");
    app.post(&decide).by(&sam).json(skill).expect(422).await;
    let upheld = app.post(&decide).by(&sam).json(uphold()).expect(200).await;
    assert_eq!(upheld.text_at("/state"), "upheld");
    app.post(&decide).by(&sam).json(uphold()).expect(409).await;
    assert_eq!(app.state(&over.candidate, &over.application).await, "rejected_integrity");
    let seen = app.get(&over.application).by(&over.candidate).expect(200).await;
    assert_eq!(seen.text_at("/decision/reason_code"), "another_persons_work");
    assert!(!seen.text.contains("Wordcanary"));
    let card_now = app.get(&format!("{}/card", over.path)).by(&over.lead).expect(200).await;
    assert_eq!(card_now.text_at("/state"), "withdrawn");
    // It is appealed like any decision of vetting.
    let decision = format!("/v1/decisions/{}", seen.text_at("/decision/id"));
    app.appeal(&over.candidate, &decision).await.assert_status(201);
    assert_eq!(app.mails("Your application was rejected").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn a_dismissed_concern_changes_nothing_and_who_raised_it_does_not_decide() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let path = format!("{}/integrity_concerns", over.path);
    let raised = app.post(&path).by(&sam).json(concern("x")).expect(201).await;
    let decide = format!("/v1/integrity_concerns/{}/decide", raised.id());
    let dismiss = json!({ "outcome": "dismiss", "reason": "The other account is their own." });
    app.post(&decide).by(&sam).json(dismiss.clone()).expect(403).await;
    app.both_rate(&over, card(3, "yes"), card(3, "yes")).await;
    let waits = app.review(&sam, &over.path, "finalize", decision("approved")).await;
    assert_eq!(waits.text_at("/why_not/0/code"), "no_concern");
    let done = app.post(&decide).by(&rosa).json(dismiss).expect(200).await;
    assert_eq!(done.text_at("/state"), "dismissed");
    app.review(&sam, &over.path, "finalize", decision("approved")).await.assert_status(200);
    let late = app.post(&path).by(&rosa).json(concern("late")).expect(409).await;
    assert_eq!(late.code(), "state_conflict");
    app.stop().await;
}
