//! Who assesses, and when.

use assay_kernel::Permission;
use chrono::Duration;
use serde_json::{Value, json};

use super::crowd::ALWAYS;
use super::uuid_of;
use crate::harness::{Person, TestApp};

const ME: &str = "/v1/assessors/me";

fn rules() -> Value {
    json!({
        "zone": "Europe/Berlin",
        "weekly": [{ "days": ["mon", "wed"], "start": "22:00", "end": "02:00" }],
        "overrides": [{ "date": "2026-12-24", "intervals": [] }],
        "max_per_day": 1,
        "employer": "Tidewater Labs",
    })
}

async fn admin(app: &TestApp) -> Person {
    app.staff("staff-umar", Permission::Admin).await
}

#[tokio::test]
async fn an_assessor_keeps_their_own_time() {
    let app = TestApp::start().await;
    let ines = app.staff("staff-ines", Permission::Assessor).await;
    let blank = app.get(ME).by(&ines).expect(200).await;
    assert_eq!((blank.at("/version"), blank.at("/weekly")), (json!(0), json!([])));
    let kept = app.put(ME).by(&ines).if_match(&blank.etag()).json(rules()).expect(200).await;
    assert_eq!(kept.at("/weekly"), rules()["weekly"]);
    assert_eq!(kept.text_at("/employer"), "Tidewater Labs");
    app.put(ME).by(&ines).if_match(&blank.etag()).json(rules()).expect(412).await;
    app.put(ME).by(&ines).json(rules()).expect(428).await;
    let unset = json!({ "zone": "UTC", "weekly": [] });
    let cleared = app.put(ME).by(&ines).if_match(&kept.etag()).json(unset).expect(200).await;
    assert_eq!((cleared.at("/max_per_day"), cleared.at("/overrides")), (Value::Null, json!([])));

    // Others have none, and other staff are told which permission is missing.
    let sam = app.staff("staff-sam", Permission::Curator).await;
    assert_eq!(app.get(ME).by(&sam).expect(403).await.code(), "forbidden");
    app.stop().await;
}

#[tokio::test]
async fn every_bad_rule_is_told_with_its_place() {
    let app = TestApp::start().await;
    let ines = app.staff("staff-ines", Permission::Assessor).await;
    let day = |start: &str, end: &str| json!([{ "days": ["mon"], "start": start, "end": end }]);
    let cases: &[(Value, &str, &str)] = &[
        (json!({ "zone": "Mars/Olympus" }), "/zone", "unknown_value"),
        (json!({ "weekly": day("25:00", "26:00") }), "/weekly/0/start", "invalid_format"),
        (json!({ "weekly": day("24:00", "01:00") }), "/weekly/0/start", "out_of_range"),
        (
            json!({ "weekly": [{ "days": ["someday"], "start": "09:00", "end": "10:00" }] }),
            "/weekly/0/days/0",
            "unknown_value",
        ),
        (json!({ "weekly": [{ "days": ["mon"], "start": "09:00" }] }), "/weekly/0/end", "required"),
        (
            json!({ "weekly": [{ "days": ["mon"], "start": "09:00", "end": "10:00", "week": 2 }] }),
            "/weekly/0/week",
            "not_allowed",
        ),
        (json!({ "weekly": "always" }), "/weekly", "invalid_format"),
        (
            json!({ "weekly": vec![json!({ "days": [], "start": "09:00", "end": "10:00" }); 101] }),
            "/weekly",
            "too_long",
        ),
        (
            json!({ "overrides": [{ "date": "2026-02-30", "intervals": [] }] }),
            "/overrides/0/date",
            "invalid_format",
        ),
        (json!({ "max_per_day": 0 }), "/max_per_day", "out_of_range"),
        (json!({ "max_per_week": 61 }), "/max_per_week", "out_of_range"),
        (json!({ "employer": "" }), "/employer", "too_short"),
        (json!({ "employer": "a\u{202E}b" }), "/employer", "invalid_format"),
    ];
    for (change, pointer, code) in cases {
        let mut body = rules();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = app.put(ME).by(&ines).if_match("\"0\"").json(body).expect(422).await;
        assert_eq!(refused.text_at("/errors/0/pointer"), *pointer, "{refused}");
        assert_eq!(refused.text_at("/errors/0/code"), *code, "{refused}");
    }
    app.stop().await;
}

#[tokio::test]
async fn time_off_keeps_starts_away_and_tells_what_is_booked() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (dora, application) = app.ready("dev-dora").await;
    let start = app.whole_hour(3);
    app.seated(&dora, &application, (&ines, &theo), start).await;
    let off = format!("{ME}/time_off");
    let span = |from, to| json!({ "starts_at": from, "ends_at": to, "note": "Holidays" });
    let day = Duration::days(1);
    let bad = app.post(&off).by(&ines).json(span(start, start)).expect(422).await;
    assert_eq!(bad.text_at("/errors/0/pointer"), "/ends_at");
    app.post(&off).by(&ines).json(span(start - day * 9, start - day * 8)).expect(422).await;
    app.post(&off).by(&ines).json(span(start, start + day * 401)).expect(422).await;
    let made = app.post(&off).by(&ines).json(span(start - day, start + day)).expect(201).await;
    assert_eq!(made.text_at("/sessions_within/0/role"), "lead");
    let listed = app.get(&off).by(&ines).expect(200).await;
    assert_eq!(listed.text_at("/data/0/note"), "Holidays");
    let path = format!("{off}/{}", made.id());
    app.delete(&path).by(&theo).expect(404).await;
    app.delete(&path).by(&ines).expect(204).await;
    app.delete(&path).by(&ines).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn staff_decide_who_may_lead() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    let ines = app.staff("staff-ines", Permission::Assessor).await;
    let path = format!("/v1/assessors/{}", ines.id);
    let tracks =
        |tracks: Value| json!({ "tracks": tracks, "weight": 50, "priority": 3, "reason": "Has led two." });
    let put =
        |etag: &str, body: Value| app.put(&format!("{path}/tracks")).by(&admin).if_match(etag).json(body);
    let roles = json!([{ "track": "backend", "roles": ["lead", "observer"] }, { "track": "data", "roles": ["shadow"] }]);
    let given = put("\"0\"", tracks(roles.clone())).expect(200).await;
    assert_eq!(given.at("/tracks").as_array().unwrap().len(), 3);
    assert_eq!((given.at("/weight"), given.at("/priority")), (json!(50), json!(3)));
    put("\"0\"", tracks(roles)).expect(412).await;
    for (bad, pointer) in [
        (json!([{ "track": "weaving", "roles": ["lead"] }]), "/tracks/0/track"),
        (json!([{ "track": "data", "roles": [] }]), "/tracks/0/roles"),
        (json!([{ "track": "data", "roles": ["shadow", "lead"] }]), "/tracks/0/roles"),
        (
            json!([{ "track": "data", "roles": ["lead"] }, { "track": "data", "roles": ["lead"] }]),
            "/tracks/1/track",
        ),
    ] {
        let refused = put(&given.etag(), tracks(bad)).expect(422).await;
        assert_eq!(refused.text_at("/errors/0/pointer"), pointer);
    }
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let stranger = app.put(&format!("/v1/assessors/{}/tracks", dora.id)).by(&admin).if_match("\"0\"");
    stranger.json(tracks(json!([]))).expect(404).await;

    // Their own change of rules keeps what staff decided.
    let kept = app.put(ME).by(&ines).if_match(&given.etag()).json(rules()).expect(200).await;
    assert_eq!((kept.at("/weight"), kept.at("/tracks/0/track")), (json!(50), json!("backend")));
    let logged = app.get("/v1/audit?limit=20").by(&admin).expect(200).await;
    assert!(logged.text.contains("assessor.assign"), "{logged}");
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let listed = app.get("/v1/assessors").by(&rosa).expect(200).await;
    assert_eq!(listed.text_at("/data/0/login"), "staff-ines");
    app.get("/v1/assessors").by(&ines).expect(403).await;
    app.stop().await;
}

#[tokio::test]
async fn who_is_blocked_gets_nothing_new() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, _) = app.ready("dev-deniz").await;
    app.seated(&dora, &application, (&ines, &theo), app.whole_hour(3)).await;
    let slots = "/v1/assessments/slots?track=backend";
    assert!(!app.get(slots).by(&deniz).expect(200).await.at("/data").as_array().unwrap().is_empty());
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let path = format!("/v1/assessors/{}", ines.id);
    let reason = json!({ "reason": "Two complaints; under review." });
    app.post(&format!("{path}/block")).by(&theo).json(reason.clone()).expect(403).await;
    app.post(&format!("{path}/block")).by(&rosa).json(json!({ "reason": "" })).expect(422).await;
    let blocked = app.post(&format!("{path}/block")).by(&rosa).json(reason.clone()).expect(200).await;
    assert_eq!(blocked.text_at("/sessions_ahead/0/role"), "lead");
    app.post(&format!("{path}/block")).by(&rosa).json(reason.clone()).expect(409).await;
    assert_eq!(app.get(slots).by(&deniz).expect(200).await.at("/data"), json!([]));
    app.post(&format!("{path}/unblock")).by(&rosa).json(reason).expect(200).await;
    assert!(!app.get(slots).by(&deniz).expect(200).await.at("/data").as_array().unwrap().is_empty());
    let id = uuid_of(&ines);
    assert_eq!(
        app.number(&format!(
            "SELECT count(*) AS n FROM assessors WHERE account_id = '{id}' AND weekly = '{ALWAYS}'"
        ))
        .await,
        1
    );
    app.stop().await;
}
