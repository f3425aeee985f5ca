//! The right to bid.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{adverse, answer};
use crate::harness::TestApp;

#[tokio::test]
async fn an_approval_is_taken_back_for_a_reason_and_given_again_by_an_appeal() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let (sam, rosa) = app.reviewers().await;
    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!((mine.text_at("/state"), mine.at("/staff")), ("active".into(), Value::Null));
    assert_eq!(mine.at("/allowed_actions"), json!([]));
    let path = format!("/v1/approvals/{}", mine.id());
    app.get(&path).by(&deniz).expect(404).await;
    let seen = app.get(&path).by(&rosa).expect(200).await;
    assert_eq!(seen.text_at("/staff/reason"), "Approved for a test.");
    assert_eq!(seen.at("/allowed_actions"), json!(["revoke"]));

    let take = |person| app.post(&format!("{path}/revoke")).by(person);
    let reason = adverse("conduct");
    take(&rosa).json(reason.clone()).expect(428).await;
    take(&rosa)
        .if_match(&seen.etag())
        .json(json!({ "reason_code": "conduct", "reason": "no", "evidence": [] }))
        .expect(422)
        .await;
    take(&sam).if_match(&seen.etag()).json(reason.clone()).expect(403).await;
    let taken = take(&rosa).if_match(&seen.etag()).json(reason.clone()).expect(200).await;
    assert_eq!(taken.text_at("/state"), "revoked");
    take(&rosa).if_match(&seen.etag()).json(reason.clone()).expect(412).await;
    take(&rosa).if_match(&taken.etag()).json(reason).expect(409).await;
    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!(mine.at("/revoke_reason"), adverse("conduct")["reason"]);

    let application = format!("/v1/applications/{}", mine.text_at("/application_id"));
    let decisions = app.get(&format!("{application}/decisions")).by(&dora).expect(200).await;
    assert_eq!(decisions.text_at("/data/0/kind"), "approval_revoked");
    let decision = format!("/v1/decisions/{}", decisions.text_at("/data/0/id"));
    let appeal = app.appealed(&dora, &decision).await;
    assert_eq!(app.post(&format!("{appeal}/claim")).by(&rosa).expect(409).await.code(), "guard_failed");
    app.post(&format!("{appeal}/claim")).by(&sam).expect(200).await;
    app.act_with(&sam, &appeal, "decide", answer("overturn")).await.assert_status(200);
    let again = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!((again.text_at("/state"), again.at("/revoke_reason")), ("active".into(), Value::Null));
    assert_eq!(again.at("/expires_at"), seen.at("/expires_at"));
    let all = app.get(&format!("/v1/staff/approvals?account_id={}", dora.id)).by(&sam).expect(200).await;
    assert_eq!(all.at("/data").as_array().unwrap().len(), 1);
    app.get("/v1/staff/approvals").by(&dora).expect(403).await;
    app.stop().await;
}

#[tokio::test]
async fn a_revocation_for_want_of_integrity_leaves_only_the_appeal() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    let path = format!("/v1/approvals/{}", mine.id());
    app.act_with(&rosa, &path, "revoke", adverse("another_persons_work")).await.assert_status(200);
    app.advance_days(700).await;
    let refused = app.post("/v1/applications").by(&dora).json(super::content()).expect(409).await;
    assert_eq!(refused.at("/why_not/0/code"), "no_integrity_decision");
    assert_eq!(refused.header("retry-after"), None);
    app.stop().await;
}
