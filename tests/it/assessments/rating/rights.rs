//! People's rights: what candidates and raters get a copy of, and what an erasure leaves.

use assay::app::domains;
use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{card_saying, decision};
use crate::harness::{Person, TestApp};

impl TestApp {
    /// The copy of what is held about a person, by the domain of assessments.
    async fn copy_of(&self, person: &Person) -> Value {
        let asked = self.post("/v1/me/data_export").by(person).expect(202).await;
        self.work().await;
        let path = format!("/v1/me/data_exports/{}/download", asked.id());
        self.get(&path).by(person).expect(200).await.at("/data/assessments")
    }
}

#[tokio::test]
async fn copies_hold_the_outcome_or_the_own_cards_and_an_erasure_leaves_no_word() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let (sam, rosa) = (app.reviewer().await, app.staff("staff-rosa", Permission::Reviewer).await);
    let umar = app.assessor("staff-umar").await;
    let word = "Ratingcanary";
    let record = format!("{}/record", over.path);
    for (rater, notes) in [(&over.lead, "Leadwords in the notes"), (&over.observer, word)] {
        let seen = app.get(&record).by(rater).expect(200).await.etag();
        let call = app.patch(&record).by(rater).if_match(&seen);
        call.body("application/merge-patch+json", json!({ "notes": notes }).to_string()).expect(200).await;
    }
    let concern = json!({ "text": format!("Another voice dictated: {word}."),
        "evidence": [{ "source": "https://git.example/x", "finding": format!("{word} in the log.") }] });
    let concerns = format!("{}/integrity_concerns", over.path);
    let raised = app.post(&concerns).by(&over.lead).json(concern).expect(201).await;
    let dismiss = json!({ "outcome": "dismiss", "reason": format!("It was their own: {word}.") });
    app.post(&format!("/v1/integrity_concerns/{}/decide", raised.id()))
        .by(&sam)
        .json(dismiss)
        .expect(200)
        .await;
    app.both_rate(&over, card_saying(1, "no", "Leadwords"), card_saying(1, "no", word)).await;
    let mut decided = decision("not_ready");
    decided["reason"] = json!(format!("{word} is why it is so."));
    decided["feedback"][0]["strength"] = json!(format!("{word} was good."));
    app.review(&sam, &over.path, "finalize", decided).await.assert_status(200);
    let text = json!({ "text": format!("{word}: the failing test was the task's own.") });
    app.post(&format!("{}/appeal", over.path)).by(&over.candidate).json(text).expect(201).await;
    let blocked = app.post("/v1/me/erasure").by(&over.candidate).expect(409).await;
    assert_eq!(blocked.text_at("/why_not/0/code"), "open_assessment_appeal");
    app.rate(&umar, &over.path, card_saying(1, "no", word)).await;
    let keep = json!({ "outcome": "keep", "reason": format!("The record shows the same: {word}.") });
    app.review(&rosa, &over.path, "answer_appeal", keep).await.assert_status(200);

    let own = app.copy_of(&over.candidate).await;
    assert_eq!(own["outcomes"][0]["feedback"].as_array().unwrap().len(), 10);
    assert_eq!(own["appeals"][0]["outcome"], "keep");
    let own = own.to_string();
    assert!(!own.contains("Leadwords") && !own.contains("keyboard") && !own.contains("is why"), "{own}");
    let raters = app.copy_of(&over.lead).await;
    assert_eq!(raters["own_rating_cards"].as_array().unwrap().len(), 1);
    assert!(raters.to_string().contains("Leadwords"), "{raters}");
    assert_eq!(raters["own_session_notes"][0]["text"], "Leadwords in the notes");

    let tables =
        ["rating_cards", "integrity_concerns", "assessment_outcomes", "assessment_appeals", "session_notes"];
    for table in tables {
        assert!(app.dump(table).await.contains(word), "{table} has no canary");
    }
    app.post("/v1/me/erasure").by(&over.candidate).expect(202).await;
    app.advance_days(7).await;
    app.advance(std::time::Duration::from_secs(61)).await;
    for table in app.tables().await {
        let dump = app.dump(&table).await;
        assert!(!dump.contains(word) && !dump.contains("Leadwords"), "{table}: {dump}");
    }
    assert!(app.dump("rating_cards").await.contains("\"\"level\"\": 1"), "the levels stay");
    app.stop().await;
}

#[tokio::test]
async fn an_assessors_words_go_with_them() {
    let app = TestApp::start().await;
    let word = "Umbrellacanary";
    let over = app.over().await;
    let lead = &over.lead;
    let record = format!("{}/record", over.path);
    let seen = app.get(&record).by(lead).expect(200).await.etag();
    let notes = json!({ "notes": format!("10:12 {word}") }).to_string();
    app.patch(&record).by(lead).if_match(&seen).body("application/merge-patch+json", notes).expect(200).await;
    app.both_rate(&over, card_saying(3, "yes", word), card_saying(3, "yes", "plain")).await;
    let concern = json!({ "text": format!("Another voice dictated: {word}."),
        "evidence": [{ "source": "https://git.example/x", "finding": format!("{word} in the log.") }] });
    let concerns = format!("{}/integrity_concerns", over.path);
    app.post(&concerns).by(lead).json(concern).expect(201).await;
    let me = "/v1/assessors/me";
    let seen = app.get(me).by(lead).expect(200).await.etag();
    let rules = json!({ "zone": "Europe/Lisbon", "weekly": [], "employer": format!("{word} Ltd") });
    app.put(me).by(lead).if_match(&seen).json(rules).expect(200).await;
    let from = app.now() + chrono::Duration::days(30);
    let off = json!({ "starts_at": from, "ends_at": from + chrono::Duration::days(1), "note": word });
    app.post(&format!("{me}/time_off")).by(lead).json(off).expect(201).await;
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let reason = json!({ "reason": format!("Complaints about {word}.") });
    app.post(&format!("/v1/assessors/{}/block", lead.id)).by(&sam).json(reason).expect(200).await;

    let tables = ["rating_cards", "session_notes", "integrity_concerns", "assessors", "assessor_time_off"];
    for table in tables {
        assert!(app.dump(table).await.contains(word), "{table} has no canary");
    }
    domains::set_permission(app.ctx(), &lead.login, Permission::Assessor, false).await.expect("revoked");
    app.post("/v1/me/erasure").by(lead).expect(202).await;
    app.advance_days(7).await;
    app.advance(std::time::Duration::from_secs(61)).await;
    for table in tables {
        let dump = app.dump(table).await;
        assert!(!dump.contains(word), "{table}: {dump}");
    }
    assert!(app.dump("rating_cards").await.contains("\"\"level\"\": 3"), "the levels stay");
    app.stop().await;
}
