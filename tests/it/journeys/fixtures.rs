//! The people of the harness are what they claim to be.

use assay_kernel::Permission;
use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn the_people_of_the_tests_are_made_over_http() {
    let app = TestApp::start().await;
    let developer = app.developer("dev-dora").await;
    let me = app.get("/v1/me").by(&developer).expect(200).await;
    assert_eq!(me.at("/roles"), json!(["developer"]));
    assert_eq!(me.text_at("/id"), developer.id);

    let client = app.client("carl-client").await;
    let organisation =
        app.get(&format!("/v1/organisations/{}", client.organisation())).by(&client).expect(200).await;
    assert_eq!(organisation.at("/verified"), true);
    app.get(&format!("/v1/organisations/{}", client.organisation())).by(&developer).expect(404).await;

    let curator = app.staff("staff-sam", Permission::Curator).await;
    let me = app.get("/v1/me").by(&curator).expect(200).await;
    assert_eq!(me.at("/permissions"), json!(["curator"]));

    app.work().await;
    app.stop().await;
}

#[tokio::test]
async fn people_stay_signed_in_while_the_clock_moves() {
    let app = TestApp::start().await;
    let developer = app.developer("dev-dora").await;
    app.advance_days(40).await;
    app.get("/v1/me").by(&developer).expect(200).await;
    app.stop().await;
}

#[tokio::test]
async fn staff_see_and_replay_jobs_and_read_the_audit_log() {
    let app = TestApp::start().await;
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    app.get("/v1/jobs").by(&admin).expect(200).await;
    app.get("/v1/jobs?state=live&limit=5").by(&admin).expect(200).await;
    app.get("/v1/jobs?state=other").by(&admin).expect(400).await;
    let missing = "/v1/jobs/job_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b/replay";
    app.post(missing).by(&admin).json(json!({ "reason": "Try it." })).expect(404).await;
    let log = app.get("/v1/audit?limit=1").by(&admin).expect(200).await;
    assert_eq!(log.at("/data/0/subject"), admin.id);
    app.get("/v1/audit?cursor=junk").by(&admin).expect(400).await;
    app.stop().await;
}
