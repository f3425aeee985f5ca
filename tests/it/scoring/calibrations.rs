//! The nightly calibration: what comes into force by itself, what is kept back, what an admin does then.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::invented;
use crate::assessments::rating::{card, decision};
use crate::assessments::uuid_of;
use crate::harness::TestApp;

/// 60 decided assessments from number `base` on, three cards each by six assessors in turn, of whom the first is severe by
/// `harsh` levels and the first two are these.
async fn crowd(app: &TestApp, base: u32, harsh: u32, [first, second]: [uuid::Uuid; 2]) {
    let assessor = format!(
        "CASE (d + t) % 6 WHEN 0 THEN '{first}'::uuid WHEN 1 THEN '{second}'::uuid ELSE {} END",
        invented("0004", "(d + t) % 6")
    );
    let level = format!(
        "1 + d % 3 + ((d * 7 + ((d + t) % 6) * 5 + i * 3) % 3 - 1)::int
            - CASE WHEN (d + t) % 6 = 0 THEN {harsh} ELSE 0 END"
    );
    app.decided_crowd(base..=base + 59, &assessor, &level).await;
}

#[tokio::test]
async fn a_score_moves_by_a_calibration_that_comes_into_force_and_by_no_other() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    app.both_rate(&over, card(3, "yes"), card(3, "yes")).await;
    app.review(&sam, &over.path, "finalize", decision("approved")).await.assert_status(200);
    assert_eq!(app.scores(&over.candidate).await.at("/scores/0/calibration_version"), 1);
    assert_eq!(app.get("/v1/metrics/assessors").by(&sam).expect(200).await.at("/data"), json!([]));

    // One candidate calibrates nothing.
    app.night().await;
    let listed = app.get("/v1/calibrations?scale=technical").by(&sam).expect(200).await;
    assert_eq!(listed.at("/data").as_array().unwrap().len(), 1);

    let known = [uuid_of(&over.lead), uuid_of(&over.observer)];
    crowd(&app, 1, 0, known).await;
    app.night().await;
    let listed = app.get("/v1/calibrations?scale=technical").by(&sam).expect(200).await;
    assert_eq!(
        (listed.at("/data/0/version"), listed.at("/data/0/held_because")),
        (json!(2), json!([])),
        "{listed}"
    );
    assert_eq!(
        (listed.at("/data/0/developers"), listed.at("/data/0/promotion/by")),
        (json!(61), Value::Null)
    );
    let second = listed.text_at("/data/0/id");
    let moved = app.scores(&over.candidate).await;
    assert_eq!(moved.at("/scores/0/calibration_version"), 2);
    let events = app.get("/v1/me/score/events").by(&over.candidate).expect(200).await;
    assert_eq!(events.text_at("/data/0/cause"), "recalibration");
    assert!(events.text_at("/data/0/subject").starts_with("clb_"));

    // The same ratings again are nothing new.
    app.night().await;
    let again = app.get("/v1/calibrations?scale=technical").by(&sam).expect(200).await;
    assert_eq!(again.text_at("/data/0/id"), second);

    // An assessor grows severe: reported, kept back, and no score moves.
    crowd(&app, 100, 2, known).await;
    app.night().await;
    let listed = app.get("/v1/calibrations?scale=technical&limit=1").by(&sam).expect(200).await;
    assert_eq!(listed.at("/data/0/held_because"), json!(["anchor_displaced"]), "{listed}");
    assert_eq!(listed.at("/data/0/promotion"), Value::Null);
    assert!(listed.at("/next_cursor").is_string());
    let third = format!("/v1/calibrations/{}", listed.text_at("/data/0/id"));
    let report = app.get("/v1/metrics/assessors").by(&sam).expect(200).await;
    assert_eq!(report.text_at("/data/0/report/assessors/0/assessor_id"), over.lead.id);
    assert_eq!(report.at("/data/0/report/assessors/0/displaced"), true);
    assert!(report.at("/data/0/report/assessors/0/drift").as_f64().unwrap() >= 0.3, "{report}");
    assert!(report.at("/data/0/report/exact").as_f64().unwrap() > 0.0);
    let still = app.scores(&over.candidate).await;
    assert_eq!(still.at("/scores/0"), moved.at("/scores/0"));
    let kinds = app.kinds(&sam).await;
    assert!(
        kinds.contains(&"calibration.held".to_owned()) && kinds.contains(&"calibration.promoted".to_owned())
    );

    // An admin brings it into force, with a reason; no earlier one comes back.
    let reason = json!({ "reason": "Ines was trained anew; her drift is wanted." });
    let promote = format!("{third}/promote");
    app.post(&promote).by(&sam).json(reason.clone()).expect(403).await;
    app.post(&promote).by(&admin).json(json!({ "reason": "so" })).expect(422).await;
    let promoted = app.post(&promote).by(&admin).json(reason.clone()).expect(200).await;
    assert_eq!(promoted.text_at("/promotion/by"), admin.id);
    app.post(&promote).by(&admin).json(reason.clone()).expect(409).await;
    let back =
        app.post(&format!("/v1/calibrations/{second}/promote")).by(&admin).json(reason).expect(409).await;
    assert_eq!(back.code(), "state_conflict");
    app.work().await;
    let last = app.scores(&over.candidate).await;
    assert_eq!(last.at("/scores/0/calibration_version"), 3);
    // Her three now counts for more.
    assert!(last.at("/scores/0/theta").as_f64() > still.at("/scores/0/theta").as_f64(), "{last}");
    let criterion = last.at("/scores/0/criteria/0");
    assert!(criterion["adjusted_level"].as_f64() > criterion["mean_level"].as_f64(), "{criterion}");
    let detail = app.get(&third).by(&sam).expect(200).await;
    assert!(detail.at("/parameters/severity").as_object().unwrap().contains_key(&over.lead.id));
    let changed = app.sql("UPDATE calibrations SET ratings = 0").await;
    assert!(changed.is_err(), "a calibration never changes");
    app.stop().await;
}
