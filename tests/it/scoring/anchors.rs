//! Anchor cards in the calibration: they link who never rated the same person, and move no score by themselves.

use serde_json::{Value, json};

use super::invented;
use crate::assessments::rating::card;
use crate::assessments::uuid_of;
use crate::harness::TestApp;

/// 40 decided assessments, three cards each: every second one by one half of the assessors, the rest by the other.
async fn two_halves(app: &TestApp, [[a, b], [c, d]]: [[uuid::Uuid; 2]; 2]) {
    let assessor = format!(
        "CASE WHEN t = 2 THEN {} ELSE (ARRAY['{a}', '{b}', '{c}', '{d}']::uuid[])[d % 2 * 2 + t + 1] END",
        invented("0004", "d % 2")
    );
    let level = "1 + d % 3 + ((d * 7 + (d + t) * 5 + i * 3) % 3 - 1)::int";
    app.decided_crowd(1..=40, &assessor, level).await;
}

#[tokio::test]
async fn an_anchor_links_assessors_who_never_rated_the_same_person() {
    let app = TestApp::start().await;
    app.next_quarter().await;
    let over = app.decided("ada-oss", 3).await;
    let sam = app.reviewer().await;
    let (umar, kaya) = (app.assessor("staff-umar").await, app.assessor("staff-kaya").await);
    two_halves(&app, [[uuid_of(&over.lead), uuid_of(&over.observer)], [uuid_of(&umar), uuid_of(&kaya)]])
        .await;
    app.night().await;
    let newest = async || {
        let listed = app.get("/v1/calibrations?scale=technical&limit=1").by(&sam).expect(200).await;
        app.get(&format!("/v1/calibrations/{}", listed.text_at("/data/0/id"))).by(&sam).expect(200).await
    };
    let apart = newest().await;
    assert_eq!((apart.at("/version"), apart.at("/report/connected")), (json!(2), json!(false)), "{apart}");
    assert!(apart.at("/held_because").as_array().unwrap().contains(&json!("disconnected")));
    let before = app.scores(&over.candidate).await;

    app.add_anchor(&sam, &over).await.assert_status(201);
    let path = app.anchor_of(&umar, &over).await;
    app.rate_anchor(&umar, &path, card(1, "no")).await;
    assert_eq!(app.scores(&over.candidate).await.text, before.text, "no score moves by an anchor card");
    app.night().await;
    let linked = newest().await;
    assert_eq!((linked.at("/version"), linked.at("/report/connected")), (json!(3), json!(true)), "{linked}");
    assert_eq!(linked.at("/report/links"), json!([]));
    assert_eq!(linked.at("/ratings").as_i64(), apart.at("/ratings").as_i64().map(|n| n + 7));
    let after = app.scores(&over.candidate).await;
    assert_eq!((after.at("/scores/0/cards"), after.at("/scores/0/evidence")), (json!(2), json!(14)));

    // A withdrawn session counts no more.
    let listed = app.get("/v1/anchor_sessions").by(&sam).expect(200).await;
    let session = format!("/v1/anchor_sessions/{}", listed.text_at("/data/0/id"));
    let reason = json!({ "reason": "The record lacks the second hour." });
    let seen = app.get(&session).by(&sam).expect(200).await.etag();
    app.post(&format!("{session}/withdraw")).by(&sam).if_match(&seen).json(reason).expect(200).await;
    app.night().await;
    let again = newest().await;
    assert_eq!((again.at("/version"), again.at("/report/connected")), (json!(4), json!(false)), "{again}");
    assert_eq!(again.at("/ratings"), apart.at("/ratings"));
    let figures = app.get("/v1/metrics/assessors").by(&sam).expect(200).await;
    assert_eq!(figures.at("/anchors/by_assessor"), Value::Object(serde_json::Map::new()));
    app.stop().await;
}
