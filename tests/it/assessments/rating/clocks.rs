//! The clock moved through every timer of the rating.

use std::time::Duration;

use serde_json::{Value, json};

use super::{card, card_saying, decision};
use crate::assessments::uuid_of;
use crate::harness::TestApp;

const HOUR: u64 = 3_600;

impl TestApp {
    async fn hours(&self, hours: u64) {
        self.advance(Duration::from_secs(hours * HOUR)).await;
    }
}

#[tokio::test]
async fn raters_are_reminded_at_four_and_twenty_hours_and_the_reviewers_told_at_twenty_four() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let reminders = async || app.mails("Your rating card waits for you").await;
    app.advance(Duration::from_secs(4 * HOUR - 120)).await;
    assert_eq!(reminders().await, 0);
    app.advance(Duration::from_secs(180)).await;
    assert_eq!(reminders().await, 2);
    app.rate(&over.lead, &over.path, card(3, "yes")).await;
    app.advance(Duration::from_secs(16 * HOUR - 180)).await;
    assert_eq!(reminders().await, 2);
    app.advance(Duration::from_secs(240)).await;
    assert_eq!(reminders().await, 3, "only who is missing");
    assert_eq!(app.mails("The rating of an assessment is late").await, 0);
    let early = json!({ "reason": "Cannot wait for the card.", "replaces": over.observer.id });
    let appoint = async |body: Value| {
        app.post(&format!("{}/appoint_rater", over.path)).by(&sam).json(body).send().await
    };
    assert_eq!(appoint(early.clone()).await.code(), "guard_failed");
    app.hours(4).await;
    assert_eq!(reminders().await, 3);
    assert_eq!(app.mails("The rating of an assessment is late").await, 2, "one for each reviewer");
    assert!(app.kinds(&sam).await.contains(&"assessment.rating_overdue".to_owned()));
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!((cards.at("/cards/0/overdue"), cards.at("/cards/1/overdue")), (json!(false), json!(true)));

    // Somebody else rates from the record.
    let umar = app.assessor("staff-umar").await;
    let other = json!({ "reason": "Cannot wait for the card.", "replaces": over.lead.id });
    assert_eq!(appoint(other).await.text_at("/errors/0/pointer"), "/replaces");
    let none = json!({ "reason": "Cannot wait for the card." });
    assert_eq!(appoint(none).await.text_at("/errors/0/code"), "required");
    let done = appoint(early).await;
    done.assert_status(200);
    assert_eq!(app.rater_of(&over.path, "observer").await, uuid_of(&umar));
    let late = app.save_card(&over.observer, &over.path, &card(3, "yes")).await;
    assert_eq!(late.code(), "state_conflict");
    app.hours(4).await;
    assert_eq!(reminders().await, 4, "the new one has clocks of their own");
    app.rate(&umar, &over.path, card(3, "yes")).await;
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!(cards.text_at("/state"), "agreed");
    app.hours(40).await;
    assert_eq!(app.mails("The rating of an assessment is late").await, 2, "no alarm for what is in");
    app.stop().await;
}

#[tokio::test]
async fn a_decision_that_waits_raises_an_alarm_and_a_held_one_is_published_by_itself() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.advance(Duration::from_secs(48 * HOUR - 120)).await;
    assert_eq!(app.mails("The decision on an assessment is late").await, 0);
    app.advance(Duration::from_secs(180)).await;
    assert_eq!(app.mails("The decision on an assessment is late").await, 2);
    let mut held = decision("not_ready");
    held["publish"] = json!(false);
    let decided = app.review(&sam, &over.path, "finalize", held).await;
    assert_eq!((decided.status, decided.at("/published_at")), (200, Value::Null));
    let outcome = format!("{}/outcome", over.path);
    app.get(&outcome).by(&over.candidate).expect(404).await;
    assert_eq!(app.state(&over.candidate, &over.application).await, "assessed");
    app.advance(Duration::from_secs(48 * HOUR - 120)).await;
    app.get(&outcome).by(&over.candidate).expect(404).await;
    app.advance(Duration::from_secs(180)).await;
    let told = app.get(&outcome).by(&over.candidate).expect(200).await;
    assert_eq!(told.text_at("/outcome"), "not_ready");
    assert_eq!(app.state(&over.candidate, &over.application).await, "not_ready");
    app.work().await;
    assert_eq!(app.mails("Your assessment is decided: not ready yet").await, 1, "once");
    assert_eq!(app.mails("The decision on an assessment is late").await, 2);
    app.stop().await;
}

#[tokio::test]
async fn an_appeal_is_filed_in_fourteen_days_and_late_after_ten() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let umar = app.assessor("staff-umar").await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    app.advance(Duration::from_secs(14 * 24 * HOUR - 600)).await;
    let text = json!({ "text": "The failing test was the task's own fault." });
    let file = || app.post(&format!("{}/appeal", over.path)).by(&over.candidate).json(text.clone());
    let before = app.get(&format!("{}/outcome", over.path)).by(&over.candidate).expect(200).await;
    assert_eq!(before.at("/allowed_actions"), json!(["appeal"]));
    file().expect(201).await;
    app.hours(4).await;
    assert_eq!(app.mails("Your rating card waits for you").await, 1, "the appeal's rater");
    app.hours(20).await;
    assert_eq!(app.mails("The rating of an assessment is late").await, 2);
    app.advance(Duration::from_secs(9 * 24 * HOUR - 600)).await;
    assert_eq!(app.mails("The answer to an appeal is late").await, 0);
    app.rate(&umar, &over.path, card(1, "no")).await;
    app.advance(Duration::from_secs(1_200)).await;
    assert_eq!(app.mails("The answer to an appeal is late").await, 2);
    assert!(app.kinds(&sam).await.contains(&"assessment.appeal_overdue".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn after_fourteen_days_there_is_no_appeal() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    app.advance(Duration::from_secs(14 * 24 * HOUR + 60)).await;
    let file = app.post(&format!("{}/appeal", over.path)).by(&over.candidate);
    let late = file.json(json!({ "text": "I was on holiday, and so I am late." })).expect(409).await;
    assert_eq!(late.text_at("/why_not/0/code"), "appeal_open");
    app.stop().await;
}

#[tokio::test]
async fn notes_go_after_half_a_year_and_levels_stay() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card_saying(3, "yes", "Notecanary"), card_saying(3, "yes", "Notecanary")).await;
    app.review(&sam, &over.path, "finalize", decision("approved")).await.assert_status(200);
    let housekeeping = async || {
        assay::app::worker::schedule_housekeeping(app.ctx()).await.expect("a job");
        app.work().await;
    };
    app.advance_days(179).await;
    housekeeping().await;
    assert!(app.dump("rating_cards").await.contains("Notecanary"));
    app.advance_days(1).await;
    housekeeping().await;
    let dump = app.dump("rating_cards").await;
    assert!(!dump.contains("Notecanary") && dump.contains("\"\"level\"\": 3"), "{dump}");
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!(cards.at("/cards/0/content/recommendation"), "yes");
    assert_eq!(cards.at("/means/by_criterion/testing"), 3.0);
    app.stop().await;
}
