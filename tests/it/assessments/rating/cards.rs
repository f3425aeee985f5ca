//! The rater's own card: the rubric, saving, submitting once.

use assay_assessments::record_rubric;
use serde_json::{Value, json};

use super::{CRITERIA, card};
use crate::harness::{Answer, TestApp};

fn faults(answer: &Answer) -> Vec<String> {
    answer.assert_status(422);
    let errors = answer.at("/errors");
    let told =
        |one: &Value| format!("{} {}", one["pointer"].as_str().unwrap(), one["code"].as_str().unwrap());
    errors.as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn the_rubric_is_served_by_version_and_refused_with_another_content() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.get("/v1/assessments/rubric").expect(401).await;
    let rubric = app.get("/v1/assessments/rubric").by(&dora).expect(200).await;
    let names = rubric.at("/criteria").as_array().unwrap().clone();
    assert_eq!(names.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), CRITERIA);
    let version = rubric.text_at("/version");
    let same = app.get(&format!("/v1/assessments/rubric/{version}")).by(&dora).expect(200).await;
    assert_eq!(same.json(), rubric.json());
    app.get("/v1/assessments/rubric/1999").by(&dora).expect(404).await;

    let record = async || app.ctx().db.tx(async |conn| record_rubric(app.ctx(), conn).await).await;
    record().await.expect("a second start changes nothing");
    app.sql("INSERT INTO rubrics SELECT '2020-01-01', jsonb_set(document, '{version}', '\"2020-01-01\"'), effective_at FROM rubrics")
        .await
        .expect("an older one");
    let older = app.get("/v1/assessments/rubric/2020-01-01").by(&dora).expect(200).await;
    assert_eq!(older.text_at("/version"), "2020-01-01");
    app.sql(&format!("UPDATE rubrics SET document = document - 'meaning' WHERE version = '{version}'"))
        .await
        .expect("spoilt");
    let refused = record().await.expect_err("another content");
    assert!(refused.chain().contains("give it a new version"), "{}", refused.chain());
    app.stop().await;
}

#[tokio::test]
async fn a_card_is_saved_in_steps_and_submitted_once() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let path = format!("{}/card", over.path);
    let empty = app.get(&path).by(&over.lead).expect(200).await;
    assert_eq!((empty.text_at("/role"), empty.text_at("/state")), ("lead".into(), "open".into()));
    assert_eq!(empty.at("/lacking").as_array().unwrap().len(), 12);
    assert_eq!(empty.at("/allowed_actions"), json!(["edit"]));
    let saved =
        app.save_card(&over.lead, &over.path, &json!({ "ratings": { "testing": { "level": 3 } } })).await;
    assert_eq!((saved.at("/ratings/testing/level"), saved.at("/version")), (json!(3), json!(2)));
    let same =
        app.save_card(&over.lead, &over.path, &json!({ "ratings": { "testing": { "level": 3 } } })).await;
    assert_eq!(same.at("/version"), 2, "nothing changed");
    let gone = app.save_card(&over.lead, &over.path, &json!({ "ratings": { "testing": null } })).await;
    assert_eq!(gone.at("/ratings"), json!({}));

    let patch =
        |tag: &str| app.patch(&path).by(&over.lead).if_match(tag).json(json!({ "recommendation": "no" }));
    patch("\"1\"").expect(412).await;
    app.patch(&path).by(&over.lead).json(json!({})).expect(428).await;
    app.post(&format!("{path}/submit")).by(&over.lead).expect(428).await;
    let early = app.post(&format!("{path}/submit")).by(&over.lead).if_match(&gone.etag()).send().await;
    let lacking = faults(&early);
    assert_eq!(lacking.len(), 12);
    assert!(lacking.contains(&"/ratings/testing/level required".to_owned()), "{lacking:?}");

    let whole = app.save_card(&over.lead, &over.path, &card(4, "strong_yes")).await;
    assert_eq!(whole.at("/allowed_actions"), json!(["edit", "submit"]));
    let submit = || app.post(&format!("{path}/submit")).by(&over.lead).if_match(&whole.etag()).key("once");
    let done = submit().expect(200).await;
    assert_eq!((done.text_at("/state"), done.at("/allowed_actions")), ("submitted".into(), json!([])));
    let replayed = submit().expect(200).await;
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    let again = app.post(&format!("{path}/submit")).by(&over.lead).if_match(&done.etag()).expect(409).await;
    assert_eq!(again.code(), "state_conflict");
    app.save_card(&over.lead, &over.path, &json!({ "summary": "Changed my mind about it." }))
        .await
        .assert_status(409);
    let kept = "UPDATE rating_cards SET content = jsonb_set(content, '{ratings,testing,level}', '1') WHERE state = 'submitted'";
    assert!(app.sql(kept).await.unwrap_err().to_string().contains("does not change"));
    app.sql("UPDATE rating_cards SET state = 'open', submitted_at = NULL WHERE state = 'submitted'")
        .await
        .unwrap_err();
    app.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let save = async |content: Value| app.save_card(&over.lead, &over.path, &content).await;
    let rating = |value: Value| json!({ "ratings": { "testing": value } });
    for (content, wanted) in [
        (rating(json!({ "level": 5 })), "/ratings/testing/level out_of_range"),
        (rating(json!({ "level": -1 })), "/ratings/testing/level invalid_format"),
        (rating(json!({ "level": "3" })), "/ratings/testing/level invalid_format"),
        (rating(json!({ "level": 2.5 })), "/ratings/testing/level invalid_format"),
        (rating(json!({ "level": 2, "not_observed": true })), "/ratings/testing/not_observed inconsistent"),
        (rating(json!({ "mood": 1 })), "/ratings/testing/mood not_allowed"),
        (rating(json!({ "evidence": "x".repeat(2_001) })), "/ratings/testing/evidence too_long"),
        (rating(json!({ "evidence": "hidden \u{202E} text" })), "/ratings/testing/evidence invalid_format"),
        (json!({ "ratings": { "charm/~": { "level": 1 } } }), "/ratings/charm~1~0 unknown_value"),
        (json!({ "recommendation": "perhaps" }), "/recommendation unknown_value"),
        (json!({ "summary": "x".repeat(4_001) }), "/summary too_long"),
        (json!({ "score": 9 }), "/score not_allowed"),
        (json!({ "ratings": [] }), "/ratings invalid_format"),
    ] {
        let told = faults(&save(content.clone()).await);
        assert_eq!(told, [wanted], "{content}");
    }
    let mut unseen = card(2, "yes");
    for name in &CRITERIA[..4] {
        unseen["ratings"][name] = json!({ "not_observed": true });
    }
    let saved = save(unseen).await;
    assert_eq!(saved.at("/lacking/0/pointer"), "/ratings", "four are one too many");
    let mut bare = json!({ "ratings": {} });
    for name in &CRITERIA[..4] {
        bare["ratings"][name] = json!({ "level": 0, "not_observed": false });
    }
    let saved = save(bare).await;
    assert_eq!(saved.at("/lacking").as_array().unwrap().len(), 4, "evidence for each 0: {saved}");

    // Others have no card, whoever they are.
    let umar = app.assessor("staff-umar").await;
    let path = format!("{}/card", over.path);
    app.get(&path).by(&umar).expect(404).await;
    app.patch(&path).by(&umar).if_match("\"1\"").json(json!({})).expect(404).await;
    app.post(&format!("{path}/submit")).by(&umar).if_match("\"1\"").expect(404).await;
    app.get("/v1/assessments/asm_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b/card").by(&over.lead).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn a_rater_sees_what_waits_for_them() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let waiting = async |person| app.get("/v1/me/cards").by(person).expect(200).await;
    let own = waiting(&over.lead).await;
    assert_eq!(format!("/v1/assessments/{}", own.text_at("/data/0/assessment_id")), over.path);
    assert_eq!((own.text_at("/data/0/role"), own.at("/data/0/overdue")), ("lead".into(), json!(false)));
    let before = waiting(&over.observer).await;
    app.rate(&over.lead, &over.path, card(3, "yes")).await;
    assert_eq!(waiting(&over.lead).await.at("/data"), json!([]));
    assert_eq!(waiting(&over.observer).await.text, before.text, "nothing of another's card");
    app.advance_days(1).await;
    assert_eq!(waiting(&over.observer).await.at("/data/0/overdue"), json!(true));
    app.get("/v1/me/cards").by(&over.candidate).expect(403).await;
    app.stop().await;
}
