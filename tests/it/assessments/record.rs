//! The record of a session: who sees and changes what of it, and when it goes.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::rating::card_saying;
use crate::harness::{Answer, Person, TestApp};

/// What the lead notes, and what the other rater must not find.
const WORD: &str = "Notescanary";
const REPOSITORY: &str = "https://git.example.com/sessions/4711";

impl TestApp {
    async fn record(&self, person: &Person, path: &str) -> Answer {
        self.get(&format!("{path}/record")).by(person).expect(200).await
    }

    /// Changes the record as the person sees it now.
    async fn note(&self, person: &Person, path: &str, patch: Value) -> Answer {
        let seen = self.record(person, path).await;
        let call = self.patch(&format!("{path}/record")).by(person).if_match(&seen.etag());
        call.body("application/merge-patch+json", patch.to_string()).send().await
    }
}

#[tokio::test]
async fn notes_are_blind_until_the_reader_has_rated() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let untouched = app.record(&over.observer, &over.path).await;
    let written = app.note(&over.lead, &over.path, json!({ "notes": format!("10:12 {WORD}") })).await;
    written.assert_status(200);
    assert_eq!((written.text_at("/own_notes"), written.at("/notes")), (format!("10:12 {WORD}"), Value::Null));

    // Whatever the lead writes and submits, the observer sees the same bytes under the same tag.
    let blind = app.record(&over.observer, &over.path).await;
    assert_eq!((&blind.text, blind.etag()), (&untouched.text, untouched.etag()));
    app.rate(&over.lead, &over.path, card_saying(3, "yes", "plain")).await;
    let blind = app.record(&over.observer, &over.path).await;
    assert_eq!((&blind.text, blind.etag()), (&untouched.text, untouched.etag()));
    assert_eq!(app.record(&rosa, &over.path).await.at("/notes"), Value::Null);
    let candidate = app.record(&over.candidate, &over.path).await;
    assert_eq!((candidate.at("/own_notes"), candidate.at("/notes")), (Value::Null, Value::Null));
    assert!(!candidate.text.contains(WORD) && !candidate.text_at("/ai_policy").is_empty());

    // The lead has rated: all notes to read, none to write.
    app.note(&over.observer, &over.path, json!({ "notes": "mine" })).await.assert_status(200);
    let all = app.record(&over.lead, &over.path).await;
    assert_eq!(all.at("/notes").as_array().expect("notes").len(), 2, "{all}");
    let closed = app.note(&over.lead, &over.path, json!({ "notes": "later" })).await;
    assert_eq!((closed.status, closed.code()), (409, "state_conflict".to_owned()));

    app.rate(&over.observer, &over.path, card_saying(3, "yes", "plain")).await;
    for reader in [&over.observer, &rosa] {
        let all = app.record(reader, &over.path).await;
        assert!(all.text.contains(WORD) && all.text.contains("mine"), "{all}");
    }
    assert!(!app.record(&over.candidate, &over.path).await.text.contains("mine"));
    app.stop().await;
}

#[tokio::test]
async fn the_record_is_changed_by_those_who_have_the_session_as_they_saw_it() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let record = format!("{}/record", over.path);
    let patch = async |person: &Person, tag: &str, body: Value| {
        let call = app.patch(&record).by(person).if_match(tag);
        call.body("application/merge-patch+json", body.to_string()).send().await.status
    };
    let named = app.note(&over.lead, &over.path, json!({ "repository_url": REPOSITORY })).await;
    named.assert_status(200);
    for person in [&over.observer, &over.candidate] {
        assert_eq!(app.record(person, &over.path).await.text_at("/repository_url"), REPOSITORY);
    }
    for bad in ["http://git.example.com/x", "https://u:p@git.example.com/x", "javascript:alert(1)", ""] {
        let refused = app.note(&over.lead, &over.path, json!({ "repository_url": bad })).await;
        assert_eq!(
            (refused.status, refused.text_at("/errors/0/pointer")),
            (422, "/repository_url".to_owned())
        );
    }
    let other = json!({ "repository_url": "https://git.example.com/other" });
    let refused = app.note(&over.observer, &over.path, other).await;
    assert_eq!((refused.status, refused.text_at("/errors/0/code")), (422, "not_allowed".to_owned()));
    for bad in
        [json!({ "notes": "x".repeat(20_001) }), json!({ "notes": "a\u{202e}b" }), json!({ "grade": 4 })]
    {
        app.note(&over.lead, &over.path, bad).await.assert_status(422);
    }
    let tag = app.record(&over.lead, &over.path).await.etag();
    assert_eq!(patch(&over.lead, &tag, json!({ "notes": "one" })).await, 200);
    assert_eq!(patch(&over.lead, &tag, json!({ "notes": "two" })).await, 412);
    app.patch(&record).by(&over.lead).body("application/merge-patch+json", "{}").expect(428).await;

    // Nobody else: not the candidate, a reviewer, an assessor of other sessions.
    assert_eq!(patch(&over.candidate, "*", json!({ "notes": "x" })).await, 403);
    let (rosa, umar) =
        (app.staff("staff-rosa", Permission::Reviewer).await, app.assessor("staff-umar").await);
    assert_eq!(patch(&rosa, "*", json!({ "notes": "x" })).await, 404);
    assert_eq!(patch(&umar, "*", json!({ "notes": "x" })).await, 404);
    app.get(&record).by(&umar).expect(404).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.get(&record).by(&deniz).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn a_record_goes_after_its_time() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let words = json!({ "notes": WORD, "repository_url": REPOSITORY });
    app.note(&over.lead, &over.path, words).await.assert_status(200);
    app.sql("UPDATE assessments SET video_url = 'https://meet.example/x'").await.expect("a place");
    for (days, kept) in [(179, true), (2, false)] {
        app.advance_clock(std::time::Duration::from_secs(days * 86_400)).await;
        let ctx = app.ctx();
        ctx.db.tx(async |conn| assay_assessments::delete_old(ctx, conn).await).await.expect("housekeeping");
        assert_eq!(app.dump("session_notes").await.contains(WORD), kept);
        let row = app.dump("assessments").await;
        assert_eq!((row.contains(REPOSITORY), row.contains("meet.example")), (kept, kept));
    }
    app.stop().await;
}
