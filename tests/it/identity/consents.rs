//! Consents: versions, history, and what depends on them.

use assay_identity::{ConsentKind, has_consent};
use assay_kernel::ids::AccountId;
use serde_json::{Value, json};

use super::pointers;
use crate::harness::{Person, TestApp};

async fn consent(app: &TestApp, person: &Person, kind: &str) -> Value {
    let all = app.get("/v1/me/consents").by(person).expect(200).await.at("/data");
    all.as_array().unwrap().iter().find(|one| one["kind"] == kind).cloned().unwrap()
}

async fn has(app: &TestApp, person: &Person, kind: ConsentKind) -> bool {
    let (ctx, id): (_, AccountId) = (app.ctx(), person.id.parse().unwrap());
    ctx.db.read(async |conn| has_consent(conn, &ctx.policy, id, kind).await).await.unwrap()
}

#[tokio::test]
async fn a_consent_is_given_to_the_version_in_force_and_taken_back() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let before = consent(&app, &dora, "vetting").await;
    assert_eq!((&before["given"], &before["given_at"]), (&json!(false), &Value::Null));
    assert!(!has(&app, &dora, ConsentKind::Vetting).await);

    let path = "/v1/me/consents/vetting";
    let old = app.put(path).by(&dora).json(json!({ "version": "2020-01-01" })).expect(422).await;
    assert_eq!(pointers(&old), ["/version"]);
    let version = json!({ "version": before["current_version"] });
    let given = app.put(path).by(&dora).json(version.clone()).expect(200).await;
    assert_eq!(given.at("/given"), true);
    assert!(has(&app, &dora, ConsentKind::Vetting).await);
    app.advance_days(1).await;
    let again = app.put(path).by(&dora).json(version.clone()).expect(200).await;
    assert_eq!(again.json(), given.json(), "a repeat is no new consent");

    let gone = app.delete(path).by(&dora).expect(200).await;
    assert_eq!((gone.at("/given"), gone.at("/given_version")), (json!(false), Value::Null));
    assert!(gone.at("/withdrawn_at").is_string());
    assert!(!has(&app, &dora, ConsentKind::Vetting).await);
    app.advance_days(1).await;
    assert_eq!(app.delete(path).by(&dora).expect(200).await.json(), gone.json());
    app.put(path).by(&dora).json(version).expect(200).await;
    assert!(has(&app, &dora, ConsentKind::Vetting).await);
    app.stop().await;
}

#[tokio::test]
async fn the_terms_are_not_taken_back_and_unknown_kinds_are_unknown() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    assert_eq!(consent(&app, &dora, "terms").await["given"], true);
    assert_eq!(app.delete("/v1/me/consents/terms").by(&dora).expect(409).await.code(), "state_conflict");
    app.delete("/v1/me/consents/cookies").by(&dora).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn sign_up_may_give_the_consent_to_mail() {
    let app = TestApp::start().await;
    let newton = app.sign_in("newton-newcomer").await;
    let email = app.get("/v1/me").by(&newton).expect(200).await.text_at("/verified_emails/0/email");
    let mut input = super::sign_up_input(&app, &["developer"], &email);
    input["accept_product_mail_version"] = json!("2020-01-01");
    let old = app.post("/v1/me/sign_up").by(&newton).json(input.clone()).expect(422).await;
    assert_eq!(pointers(&old), ["/accept_product_mail_version"]);
    input["accept_product_mail_version"] =
        consent(&app, &newton, "product_mail").await["current_version"].clone();
    app.post("/v1/me/sign_up").by(&newton).json(input).expect(200).await;
    assert!(has(&app, &newton, ConsentKind::ProductMail).await);
    app.stop().await;
}

#[tokio::test]
async fn a_suspended_person_may_still_take_a_consent_back() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let version = consent(&app, &dora, "vetting").await["current_version"].clone();
    app.put("/v1/me/consents/vetting").by(&dora).json(json!({ "version": version })).expect(200).await;
    let admin = app.staff("staff-sam", assay_kernel::Permission::Admin).await;
    let why = json!({ "reason_code": "other", "reason": "For a test." });
    app.post(&format!("/v1/accounts/{}/suspend", dora.id)).by(&admin).json(why).expect(200).await;
    // Suspension ends the sessions; the next sign-in may read and take back.
    let tokens = app.walk_sign_in("dev-dora").await.text_at("/access_token");
    let gone = app.delete("/v1/me/consents/vetting").bearer(&tokens).expect(200).await;
    assert_eq!(gone.at("/given"), false);
    app.put("/v1/me/consents/vetting").bearer(&tokens).json(json!({ "version": version })).expect(403).await;
    app.stop().await;
}
