//! Anchor sessions: chosen once a quarter, rated blind from the record, and of no weight for the candidate.

use assay::app::{domains, worker};
use assay_assessments::Quarter;
use assay_kernel::Permission;
use serde_json::{Value, json};

use super::rating::{Over, card, card_saying, decision};
use super::uuid_of;
use crate::harness::{Answer, Person, TestApp};

/// What hosts and other raters write, and what nobody must find before their own card is in.
const WORD: &str = "Anchorcanary";
const NONE: &str = "/v1/anchor_cards/anc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b";

impl TestApp {
    /// Moves the clock to the first day of the next quarter, so that there is time whatever the day.
    pub async fn next_quarter(&self) {
        let wait = Quarter::of(self.now()).ends_at() - self.now();
        self.advance(wait.to_std().expect("ahead")).await;
    }

    /// The hourly look at the anchor sessions.
    pub async fn keep_anchors(&self) {
        worker::schedule_housekeeping(self.ctx()).await.expect("a job");
        self.work().await;
    }

    /// A session of this candidate that is decided: two cards of one level.
    pub async fn decided(&self, login: &str, level: u8) -> Over {
        let over = self.over_with(login, "staff-ines", "staff-theo").await;
        let (word, outcome) = if level > 1 { ("yes", "approved") } else { ("no", "not_ready") };
        self.both_rate(&over, card(level, word), card(level, word)).await;
        let sam = self.reviewer().await;
        self.review(&sam, &over.path, "finalize", decision(outcome)).await.assert_status(200);
        over
    }

    async fn waiting(&self, person: &Person) -> Vec<Value> {
        let cards = self.get("/v1/me/anchor_cards").by(person).expect(200).await;
        cards.at("/data").as_array().unwrap().clone()
    }

    /// The path of the card that waits for the person, of this session.
    pub async fn anchor_of(&self, person: &Person, over: &Over) -> String {
        let cards = self.waiting(person).await;
        let of = |card: &&Value| over.path.ends_with(card["assessment_id"].as_str().unwrap());
        let card = cards.iter().find(of).expect("a card of that session");
        format!("/v1/anchor_cards/{}", card["id"].as_str().unwrap())
    }

    async fn save_anchor(&self, person: &Person, card: &str, content: &Value) -> Answer {
        let seen = self.get(card).by(person).expect(200).await;
        let call = self.patch(card).by(person).if_match(&seen.etag());
        call.body("application/merge-patch+json", content.to_string()).send().await
    }

    /// Fills in an anchor card and submits it.
    pub async fn rate_anchor(&self, person: &Person, card: &str, content: Value) -> Answer {
        let saved = self.save_anchor(person, card, &content).await;
        saved.assert_status(200);
        self.post(&format!("{card}/submit")).by(person).if_match(&saved.etag()).expect(200).await
    }

    /// Adds a decided session by hand.
    pub async fn add_anchor(&self, reviewer: &Person, over: &Over) -> Answer {
        let body =
            json!({ "assessment_id": over.path.rsplit('/').next(), "reason": "Shows the whole range." });
        self.post("/v1/anchor_sessions").by(reviewer).json(body).send().await
    }
}

#[tokio::test]
async fn a_quarters_set_is_chosen_once_and_rated_blind() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let low = app.over().await;
    let record = format!("{}/record", low.path);
    let seen = app.get(&record).by(&low.lead).expect(200).await.etag();
    let notes = json!({ "notes": WORD }).to_string();
    let note = app.patch(&record).by(&low.lead).if_match(&seen);
    note.body("application/merge-patch+json", notes).expect(200).await;
    app.both_rate(&low, card_saying(1, "no", WORD), card_saying(1, "no", WORD)).await;
    let sam = app.reviewer().await;
    app.review(&sam, &low.path, "finalize", decision("not_ready")).await.assert_status(200);
    let (high, middle) = (app.decided("ada-oss", 4).await, app.decided("dev-deniz", 3).await);
    let (umar, kaya) = (app.assessor("staff-umar").await, app.assessor("staff-kaya").await);

    // One of the three can still be appealed: the set waits.
    app.keep_anchors().await;
    assert_eq!(app.get("/v1/anchor_sessions").by(&sam).expect(200).await.at("/data"), json!([]));
    app.advance_days(15).await;
    let (one, other) = (app.assessments().await, app.assessments().await);
    let both = tokio::join!(one.keep_anchors(), other.keep_anchors());
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    app.keep_anchors().await;
    let quarter = Quarter::of(app.now());
    let listed = app.get(&format!("/v1/anchor_sessions?quarter={quarter}")).by(&sam).expect(200).await;
    let sessions = listed.at("/data").as_array().unwrap().clone();
    let chosen =
        app.one("SELECT string_agg(assessment_id::text, ' ' ORDER BY place) FROM anchor_sessions").await;
    let uuids = [&low, &middle, &high].map(|over| {
        let id = over.path.rsplit('/').next().unwrap().parse::<assay_kernel::ids::AssessmentId>();
        id.unwrap().uuid().to_string()
    });
    assert_eq!((sessions.len(), chosen), (3, uuids.join(" ")), "low, middle, high");
    for session in &sessions {
        let lacking: Vec<&str> = session["lacking"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["rater_id"].as_str().unwrap())
            .collect();
        assert!(
            lacking.len() == 2 && lacking.contains(&&*umar.id) && lacking.contains(&&*kaya.id),
            "{session}"
        );
        assert_eq!((&session["open"], &session["added_by"]), (&json!(2), &Value::Null));
    }
    assert_eq!(app.mails("Anchor sessions wait for your rating").await, 2, "one for each, of all three");
    assert!(app.waiting(&low.lead).await.is_empty() && app.waiting(&low.observer).await.is_empty());
    app.get("/v1/anchor_sessions?quarter=2026-Q5").by(&sam).expect(400).await;
    app.get("/v1/anchor_sessions").by(&umar).expect(403).await;

    // Umar reads the record without a note, and nothing that Kaya does changes a byte of what he sees.
    let own = app.anchor_of(&umar, &low).await;
    let views = async || {
        let mut seen = Vec::new();
        for path in [&own, &record, "/v1/me/anchor_cards"] {
            let answer = app.get(path).by(&umar).expect(200).await;
            assert!(!answer.text.contains(WORD), "{answer}");
            seen.push((answer.text.clone(), answer.header("etag").map(str::to_owned)));
        }
        seen
    };
    let before = views().await;
    assert!(before[1].0.contains("\"notes\":null") && before[1].0.contains("\"own_notes\":null"));
    let decisive = ["rating_cards", "assessments", "assessment_scores", "developer_scores", "score_events"];
    let mut dumps = Vec::new();
    for table in decisive {
        dumps.push(app.dump(table).await);
    }
    let hers = app.anchor_of(&kaya, &low).await;
    app.get(&hers).by(&umar).expect(404).await;
    app.rate_anchor(&kaya, &hers, card_saying(2, "no", WORD)).await;
    assert_eq!(views().await, before);

    // He is a reviewer too: no card of the session is for him, and no level of any anchor.
    domains::set_permission(app.ctx(), "staff-umar", Permission::Reviewer, true).await.expect("granted");
    for what in ["cards", "outcome", "integrity_concerns"] {
        app.get(&format!("{}/{what}", low.path)).by(&umar).expect(403).await;
    }
    let id = sessions.iter().find(|one| low.path.ends_with(one["assessment_id"].as_str().unwrap())).unwrap();
    let session = format!("/v1/anchor_sessions/{}", id["id"].as_str().unwrap());
    for reader in [&umar, &sam] {
        let half = app.get(&session).by(reader).expect(200).await;
        assert_eq!((half.at("/cards"), half.at("/submitted")), (Value::Null, json!(1)));
        assert_eq!(half.text_at("/lacking/0/rater_id"), umar.id);
    }
    let metrics = format!("/v1/metrics/assessors?quarter={quarter}");
    let figures = app.get(&metrics).by(&sam).expect(200).await;
    let of_kaya = format!("/anchors/by_assessor/{}", kaya.id);
    assert_eq!(figures.at(&of_kaya), json!({ "asked": 3, "submitted": 1, "agreement": null }));

    app.rate_anchor(&umar, &own, card(3, "yes")).await;
    let told = app.get(&record).by(&umar).expect(200).await;
    assert_eq!(told.text_at("/notes/0/text"), WORD, "his card is in");
    assert_eq!(
        app.get(&session).by(&umar).expect(200).await.at("/cards"),
        Value::Null,
        "two cards wait for him"
    );
    let all = app.get(&session).by(&sam).expect(200).await;
    assert_eq!((all.at("/complete"), all.at("/cards").as_array().unwrap().len()), (json!(true), 2));
    let figures = app.get(&metrics).by(&sam).expect(200).await;
    assert_eq!(figures.text_at("/anchors/quarter"), quarter.to_string());
    let expected = json!({ "asked": 3, "submitted": 1, "agreement": { "mean_difference": -1.0, "n": 10 } });
    assert_eq!(figures.at(&of_kaya), expected);

    // Nothing that decides about a candidate has changed.
    for (table, dump) in decisive.iter().zip(dumps) {
        assert_eq!(app.dump(table).await, dump, "{table}");
    }
    assert_eq!(app.scores(&low.candidate).await.at("/scores/0/cards"), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_card_is_filled_in_by_its_rater_and_submitted_once() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let over = app.decided("ada-oss", 3).await;
    let (umar, sam) = (app.assessor("staff-umar").await, app.reviewer().await);
    app.add_anchor(&sam, &over).await.assert_status(201);
    let path = app.anchor_of(&umar, &over).await;
    let patch = || app.patch(&path).by(&umar).json(json!({ "recommendation": "no" }));
    patch().expect(428).await;
    patch().if_match("\"9\"").expect(412).await;
    let odd = app.save_anchor(&umar, &path, &json!({ "ratings": { "charm": { "level": 1 } } })).await;
    assert_eq!((odd.status, odd.text_at("/errors/0/pointer")), (422, "/ratings/charm".into()));
    let part = app.save_anchor(&umar, &path, &json!({ "ratings": { "testing": { "level": 3 } } })).await;
    assert_eq!((part.at("/version"), part.at("/allowed_actions")), (json!(2), json!(["edit"])));
    let submit = |tag: &str| app.post(&format!("{path}/submit")).by(&umar).if_match(tag);
    let lacking = submit(&part.etag()).expect(422).await;
    assert_eq!(lacking.at("/errors").as_array().unwrap().len(), 11);
    let whole = app.save_anchor(&umar, &path, &card(3, "yes")).await;
    assert_eq!(whole.at("/allowed_actions"), json!(["edit", "submit"]));

    // Who assesses no more keeps the draft and submits nothing.
    domains::set_permission(app.ctx(), "staff-umar", Permission::Assessor, false).await.expect("revoked");
    domains::set_permission(app.ctx(), "staff-umar", Permission::Curator, true).await.expect("granted");
    submit(&whole.etag()).expect(403).await;
    domains::set_permission(app.ctx(), "staff-umar", Permission::Assessor, true).await.expect("granted");

    let done = submit(&whole.etag()).key("once").expect(200).await;
    assert_eq!((done.text_at("/state"), done.at("/allowed_actions")), ("submitted".into(), json!([])));
    let replayed = submit(&whole.etag()).key("once").expect(200).await;
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(submit(&done.etag()).expect(409).await.code(), "state_conflict");
    assert_eq!(
        app.save_anchor(&umar, &path, &json!({ "summary": "Another." })).await.code(),
        "state_conflict"
    );
    let changed = "UPDATE anchor_cards SET content = jsonb_set(content, '{ratings,testing,level}', '1')";
    assert!(app.sql(changed).await.unwrap_err().to_string().contains("does not change"));
    for person in [&over.lead, &over.candidate] {
        let wanted = if person.id == over.lead.id { 404 } else { 403 };
        app.get(&path).by(person).expect(wanted).await;
    }
    app.get(NONE).by(&umar).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn a_session_that_all_have_rated_as_an_anchor_can_still_be_redone() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let over = app.decided("ada-oss", 1).await;
    let sam = app.reviewer().await;
    let (umar, kaya) = (app.assessor("staff-umar").await, app.assessor("staff-kaya").await);
    let rosa = app.assessor("staff-rosa").await;
    app.advance_days(15).await;
    app.add_anchor(&sam, &over).await.assert_status(201);
    for rater in [&umar, &kaya, &rosa] {
        let own = app.anchor_of(rater, &over).await;
        app.rate_anchor(rater, &own, card(2, "no")).await;
    }
    let reason = json!({ "reason": "The task had a defect of its own." });
    let granted = app.review(&sam, &over.path, "grant_redo", reason).await;
    granted.assert_status(201);
    let redo = format!("/v1/assessments/{}", granted.id());
    app.seat_redo(&redo, (&umar, &kaya)).await;
    app.end_session(&redo).await;

    // What was said of the candidate before is not for who rates them now, though an anchor card is in.
    let record = format!("{}/record", over.path);
    assert_eq!(app.get(&record).by(&umar).expect(200).await.at("/notes"), Value::Null);
    assert!(app.get(&record).by(&rosa).expect(200).await.at("/notes").is_array());
    domains::set_permission(app.ctx(), "staff-umar", Permission::Reviewer, true).await.expect("granted");
    let listed = app.get("/v1/anchor_sessions").by(&sam).expect(200).await;
    let session = format!("/v1/anchor_sessions/{}", listed.text_at("/data/0/id"));
    assert_eq!(app.get(&session).by(&umar).expect(200).await.at("/cards"), Value::Null);

    // They disagree, and Rosa is asked: nobody is there who has no anchor card.
    app.rate(&umar, &redo, card(4, "yes")).await;
    app.rate(&kaya, &redo, card(1, "no")).await;
    assert_eq!(app.get(&redo).by(&sam).expect(200).await.text_at("/state"), "adjudication");
    app.get(&format!("{redo}/card")).by(&rosa).expect(200).await;
    app.stop().await;
}

#[tokio::test]
async fn a_reviewer_adds_a_session_and_withdraws_it() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let sam = app.reviewer().await;
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    let umar = app.assessor("staff-umar").await;
    let over = app.over().await;
    let early = app.add_anchor(&sam, &over).await;
    assert_eq!((early.status, early.text_at("/errors/0/pointer")), (422, "/assessment_id".into()));
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    app.add_anchor(&sam, &over).await.assert_status(422);
    app.advance_days(15).await;
    app.add_anchor(&umar, &over).await.assert_status(403);
    let unknown =
        json!({ "assessment_id": "asm_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b", "reason": "Shows all of it." });
    let unknown = app.post("/v1/anchor_sessions").by(&sam).json(unknown).expect(422).await;
    assert_eq!(unknown.text_at("/errors/0/code"), "unknown_value");

    let added = app.add_anchor(&sam, &over).await;
    added.assert_status(201);
    let session = added.header("location").unwrap().to_owned();
    assert_eq!((added.text_at("/added_by"), added.at("/open")), (sam.id.clone(), json!(1)));
    assert_eq!(app.add_anchor(&sam, &over).await.code(), "already_exists");
    assert!(app.kinds(&umar).await.contains(&"anchor_card.opened".to_owned()));
    let card_path = app.anchor_of(&umar, &over).await;
    app.save_anchor(&umar, &card_path, &card(2, "no")).await.assert_status(200);
    let draft = app.get(&card_path).by(&umar).expect(200).await;

    let withdraw = |tag: &str, reason: &str| {
        let call = app.post(&format!("{session}/withdraw")).by(&sam).json(json!({ "reason": reason }));
        call.if_match(tag)
    };
    let reason = "The record lacks the second hour.";
    let seen = app.get(&session).by(&sam).expect(200).await.etag();
    assert_eq!(seen, added.etag());
    withdraw(&seen, "so").expect(422).await;
    withdraw("\"7\"", reason).expect(412).await;
    app.post(&format!("{session}/withdraw")).by(&sam).json(json!({ "reason": reason })).expect(428).await;
    let gone = withdraw(&seen, reason).expect(200).await;
    assert_eq!((gone.at("/open"), gone.at("/allowed_actions")), (json!(0), json!([])));
    assert_eq!(withdraw(&gone.etag(), reason).expect(409).await.code(), "state_conflict");
    assert!(app.waiting(&umar).await.is_empty());
    let submit = app.post(&format!("{card_path}/submit")).by(&umar).if_match(&draft.etag());
    assert_eq!(submit.expect(409).await.code(), "state_conflict");
    app.get(&format!("{}/record", over.path)).by(&umar).expect(404).await;
    app.keep_anchors().await;
    assert!(app.waiting(&umar).await.is_empty(), "it stays withdrawn");
    let log = app.get("/v1/audit?limit=100").by(&admin).expect(200).await.text;
    assert!(log.contains("anchor_session.add") && log.contains("anchor_session.withdraw"), "{log}");
    app.stop().await;
}

#[tokio::test]
async fn raters_are_reminded_and_late_cards_are_taken_until_the_quarter_ends() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let over = app.decided("ada-oss", 3).await;
    let sam = app.reviewer().await;
    let umar = app.assessor("staff-umar").await;
    let added = app.add_anchor(&sam, &over).await;
    let session = added.header("location").unwrap().to_owned();
    let reminders = async || app.mails("An anchor session waits for your rating").await;
    app.advance_days(13).await;
    assert_eq!(reminders().await, 0);

    // Kaya comes later, and leaves; so does somebody who is blocked.
    let kaya = app.assessor("staff-kaya").await;
    app.keep_anchors().await;
    assert_eq!(app.waiting(&kaya).await.len(), 1);
    let block = json!({ "reason": "Two candidates complained." });
    app.post(&format!("/v1/assessors/{}/block", kaya.id)).by(&sam).json(block).expect(200).await;
    app.keep_anchors().await;
    assert!(app.waiting(&kaya).await.is_empty());

    app.advance_days(1).await;
    assert_eq!(reminders().await, 1, "seven days before it is due");
    app.advance_days(7).await;
    assert_eq!(reminders().await, 2, "when it is due, and to nobody else");
    assert_eq!(app.waiting(&umar).await[0]["overdue"], true);
    let late = app.get(&session).by(&sam).expect(200).await;
    assert_eq!((late.at("/overdue"), late.at("/lacking/0/overdue")), (json!(1), json!(true)));
    let path = app.anchor_of(&umar, &over).await;
    let saved = app.save_anchor(&umar, &path, &card(3, "yes")).await;
    saved.assert_status(200);

    // One more assessor in the last days, then the quarter is over.
    let rosa = app.assessor("staff-rosa").await;
    app.keep_anchors().await;
    app.anchor_of(&rosa, &over).await;
    app.next_quarter().await;
    assert_eq!(reminders().await, 2, "nobody is reminded of what is over");
    let submit = || app.post(&format!("{path}/submit")).by(&umar).if_match(&saved.etag());
    let over_now = submit().expect(409).await;
    assert_eq!(
        (over_now.code(), over_now.text_at("/why_not/0/code")),
        ("guard_failed".into(), "in_quarter".into())
    );
    assert!(app.waiting(&umar).await.is_empty());
    app.keep_anchors().await;
    assert_eq!(submit().expect(409).await.code(), "state_conflict");
    app.stop().await;
}

#[tokio::test]
async fn words_of_anchor_cards_are_their_writers_and_go_in_time() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let over = app.decided("ada-oss", 3).await;
    let gone = app.decided("dev-deniz", 3).await;
    let (sam, umar) = (app.reviewer().await, app.assessor("staff-umar").await);
    for one in [&over, &gone] {
        app.add_anchor(&sam, one).await.assert_status(201);
        let path = app.anchor_of(&umar, one).await;
        app.rate_anchor(&umar, &path, card_saying(3, "yes", WORD)).await;
    }
    let asked = app.post("/v1/me/data_export").by(&umar).expect(202).await;
    let of = app.post("/v1/me/data_export").by(&over.candidate).expect(202).await;
    app.work().await;
    let copy = async |person: &Person, asked: &Answer| {
        let path = format!("/v1/me/data_exports/{}/download", asked.id());
        app.get(&path).by(person).expect(200).await
    };
    let own = copy(&umar, &asked).await;
    assert!(own.at("/data/assessments/own_anchor_cards/0/content").to_string().contains(WORD));
    let candidates = copy(&over.candidate, &of).await;
    assert_eq!(candidates.at("/data/assessments/anchor_sessions").as_array().unwrap().len(), 1);
    assert!(!candidates.text.contains(WORD), "what raters write is theirs");

    // An erasure of the candidate takes the words of their session's cards; a card that is open goes.
    let kaya = app.assessor("staff-kaya").await;
    app.keep_anchors().await;
    assert_eq!(app.waiting(&kaya).await.len(), 2);
    app.post("/v1/me/erasure").by(&gone.candidate).expect(202).await;
    app.advance_days(7).await;
    app.advance(std::time::Duration::from_secs(61)).await;
    let texts = async || app.dump("anchor_cards").await.matches(WORD).count();
    let each = texts().await;
    assert!(each > 0, "the other session's are there");
    assert_eq!(app.waiting(&kaya).await.len(), 1);
    app.keep_anchors().await;
    assert_eq!(app.waiting(&kaya).await.len(), 1, "nothing is asked about who is gone");

    // The others go 180 days after the session, with its record.
    app.advance_days(170).await;
    app.keep_anchors().await;
    assert_eq!(texts().await, each);
    app.advance_days(4).await;
    app.keep_anchors().await;
    assert_eq!(texts().await, 0);
    let dump = app.dump("anchor_cards").await;
    assert_eq!(dump.matches("\"\"level\"\": 3").count(), 20, "the levels stay: {dump}");
    assert_eq!(
        app.one(&format!("SELECT count(*) FROM anchor_cards WHERE rater_id = '{}'", uuid_of(&umar))).await,
        "2"
    );
    app.stop().await;
}
