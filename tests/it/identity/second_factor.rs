//! The second factor: setting it up, giving codes, losing it.

use std::time::Duration;

use assay_kernel::Permission;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::harness::{Answer, Person, TestApp};

/// The code that an authenticator shows now.
fn code(app: &TestApp, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).expect("base 32");
    let totp = Builder::new().with_secret(secret).build_noncompliant();
    totp.generate(u64::try_from(app.now().timestamp()).expect("after 1970")).to_string()
}

/// Sets a second factor up. Answers its secret and the recovery codes.
async fn enrolled(app: &TestApp, person: &Person) -> (String, Vec<String>) {
    let made = app.post("/v1/me/second_factor").by(person).expect(201).await;
    assert!(made.text_at("/otpauth_url").starts_with("otpauth://totp/"), "{made}");
    let secret = made.text_at("/secret");
    let given = json!({ "code": code(app, &secret) });
    let codes = app.post("/v1/me/second_factor/confirm").by(person).json(given).expect(200).await;
    let codes: Vec<String> = serde_json::from_value(codes.at("/recovery_codes").clone()).expect("codes");
    (secret, codes)
}

async fn grant(app: &TestApp, by: &Person, to: &Person, permission: &str) -> Answer {
    let input = json!({ "permission": permission, "reason": "Joins the team." });
    app.post(&format!("/v1/accounts/{}/permissions", to.id)).by(by).json(input).send().await
}

async fn give(app: &TestApp, person: &Person, code: &str) -> Answer {
    app.post("/v1/me/step_up").by(person).json(json!({ "code": code })).send().await
}

#[tokio::test]
async fn who_has_a_second_factor_gives_a_code_before_a_sensitive_act() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.sign_up("staff-sam", &["developer"]).await;
    app.get("/v1/me/second_factor").by(&rosa).expect(404).await;
    give(&app, &rosa, "123456").await.assert_status(404);
    let (secret, codes) = enrolled(&app, &rosa).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(app.post("/v1/me/second_factor").by(&rosa).expect(409).await.code(), "already_exists");
    // The confirmation was itself a code.
    grant(&app, &rosa, &sam, "curator").await.assert_status(200);
    // A later sign-in is no code, however recent.
    app.advance(Duration::from_secs(601)).await;
    let rosa = app.sign_in("staff-rosa").await;
    let refused = grant(&app, &rosa, &sam, "reviewer").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "step_up_required"), "{refused}");
    let token = json!({ "name": "t", "scopes": ["read"], "expires_at": "2026-12-24T00:00:00Z" });
    let refused = app.post("/v1/me/tokens").by(&rosa).json(token).expect(403).await;
    assert_eq!(refused.code(), "step_up_required");

    let now = code(&app, &secret);
    give(&app, &rosa, &now).await.assert_status(200);
    grant(&app, &rosa, &sam, "reviewer").await.assert_status(200);
    // A code is taken once, the next one as well.
    let again = give(&app, &rosa, &now).await;
    assert_eq!((again.status, again.at("/errors/0/code")), (422, Value::from("wrong_code")), "{again}");
    app.advance(Duration::from_secs(30)).await;
    give(&app, &rosa, &code(&app, &secret)).await.assert_status(200);
    // Another session of hers has given none.
    let other = app.sign_in("staff-rosa").await;
    assert_eq!(grant(&app, &other, &sam, "assessor").await.code(), "step_up_required");
    let audit = app.get(&format!("/v1/audit?subject={}", rosa.id)).by(&rosa).expect(200).await;
    assert_eq!(audit.at("/data/0/action"), json!("second_factor.confirm"), "{audit}");
    assert!(!app.dump("second_factors").await.contains(&secret), "sealed");
    app.stop().await;
}

#[tokio::test]
async fn guessing_codes_is_stopped_for_a_while() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let (secret, codes) = enrolled(&app, &dora).await;
    app.advance(Duration::from_secs(60)).await;
    for _ in 0..5 {
        let wrong = give(&app, &dora, "000000").await;
        assert!(wrong.status == 422, "{wrong}");
    }
    let blocked = give(&app, &dora, &code(&app, &secret)).await;
    assert_eq!((blocked.status, blocked.code().as_str()), (429, "rate_limited"), "{blocked}");
    let wait: u32 = blocked.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((890..=900).contains(&wait), "{wait}");
    give(&app, &dora, &codes[0]).await.assert_status(429);
    app.advance(Duration::from_secs(901)).await;
    give(&app, &dora, &code(&app, &secret)).await.assert_status(200);
    for junk in [json!({}), json!({ "code": 123_456 }), json!({ "code": "1" }), json!({ "code": "\n12345" })]
    {
        app.post("/v1/me/step_up").by(&dora).json(junk).expect(422).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_lost_authenticator_is_replaced_by_recovery_codes_or_by_an_admin() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let (_, codes) = enrolled(&app, &dora).await;
    app.advance(Duration::from_secs(601)).await;
    app.delete("/v1/me/second_factor").by(&dora).expect(403).await;
    // As a person would type it.
    give(&app, &dora, &codes[3].to_lowercase().replace('-', " ")).await.assert_status(200);
    give(&app, &dora, &codes[3]).await.assert_status(422);
    assert_eq!(
        app.get("/v1/me/second_factor").by(&dora).expect(200).await.at("/recovery_codes_left"),
        json!(9)
    );
    app.delete("/v1/me/second_factor").by(&dora).expect(204).await;
    app.get("/v1/me/second_factor").by(&dora).expect(404).await;

    let dora = app.sign_in("dev-dora").await;
    enrolled(&app, &dora).await;
    let rosa = {
        drop(rosa);
        app.sign_in("staff-rosa").await
    };
    let reset = |id: &str| app.post(&format!("/v1/accounts/{id}/reset_second_factor"));
    let reason = json!({ "reason": "Recognised by a video call." });
    reset(&rosa.id).by(&rosa).json(reason.clone()).expect(403).await;
    reset(&dora.id).by(&dora).json(reason.clone()).expect(403).await;
    reset(&dora.id).by(&rosa).json(json!({ "reason": "" })).expect(422).await;
    reset(&dora.id).by(&rosa).json(reason.clone()).expect(204).await;
    reset(&dora.id).by(&rosa).json(reason).expect(404).await;
    app.get("/v1/me/second_factor").by(&dora).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn where_staff_must_have_a_second_factor_a_sign_in_alone_does_not_do() {
    let app = TestApp::start_with(&[("auth.staff_second_factor", "true")]).await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.sign_up("staff-sam", &["developer"]).await;
    let refused = grant(&app, &rosa, &sam, "curator").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "second_factor_required"), "{refused}");
    enrolled(&app, &rosa).await;
    grant(&app, &rosa, &sam, "curator").await.assert_status(200);
    // Others need none.
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let token = json!({ "name": "t", "scopes": ["read"], "expires_at": "2026-12-24T00:00:00Z" });
    app.post("/v1/me/tokens").by(&dora).json(token).expect(201).await;
    app.stop().await;
}
