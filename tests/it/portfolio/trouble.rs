//! Imports when GitHub makes trouble.

use std::time::Duration;

use serde_json::json;

use super::PAUSE;
use crate::harness::TestApp;

#[tokio::test]
async fn a_rate_limit_puts_an_import_off_and_does_not_end_it() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.github(
        "/_sandbox/faults",
        json!({ "kind": "primary_rate_limit", "seconds": 3_000, "path_prefix": "/api/search" }),
    )
    .await;
    let import = app.import(&dora).await;
    assert_eq!(import.text_at("/state"), "running");
    assert_eq!(import.text_at("/warnings/0/code"), "rate_limited");
    let resumes = import.text_at("/resumes_at").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let wait = (resumes - app.now()).num_seconds();
    assert!((2_900..=3_000).contains(&wait), "{wait}");
    app.advance(Duration::from_secs(2_000)).await;
    let path = format!("/v1/portfolio/imports/{}", import.id());
    assert_eq!(app.get(&path).by(&dora).expect(200).await.text_at("/state"), "running");
    app.asked().await;
    app.advance(Duration::from_secs(1_100)).await;
    let done = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(done.text_at("/state"), "completed");
    assert_eq!(done.at("/counts/pull_requests"), 12);
    let (_, paths) = app.asked().await;
    assert!(paths.get("GET /api/users/dev-dora/repos").is_none(), "what was read is not read again: {paths}");
    app.stop().await;
}

#[tokio::test]
async fn a_revoked_authorisation_ends_an_import_and_says_why() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.imported(&dora).await;
    app.advance(PAUSE).await;
    // Also renews the access token, which needs a sign-in.
    app.get("/v1/me").by(&dora).expect(200).await;
    app.github("/_sandbox/revoke", json!({ "id": 101_000_009 })).await;
    let failed = app.import(&dora).await;
    assert_eq!(failed.text_at("/state"), "failed");
    assert_eq!(failed.text_at("/failure/code"), "token_revoked");
    assert!(failed.text_at("/failure/detail").contains("Sign in with GitHub again"));
    assert_eq!(app.events_of(&dora, "portfolio.import_failed").await.len(), 1);
    assert_eq!(app.items(&dora, "&kind=repository").await.len(), 19, "what was known stays");

    // A failed import needs no pause; a new sign-in brings a new authorisation.
    app.advance(Duration::from_secs(1)).await;
    let again = app.sign_in("dev-dora").await;
    app.imported(&again).await;
    app.stop().await;
}

#[tokio::test]
async fn passing_trouble_is_waited_out_and_lasting_trouble_ends_an_import() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    // The client itself tries three times.
    app.github(
        "/_sandbox/faults",
        json!({ "kind": "server_error", "count": 3, "path_prefix": "/api/user/orgs" }),
    )
    .await;
    let import = app.import(&dora).await;
    assert_eq!(import.text_at("/state"), "running");
    assert_eq!(import.text_at("/warnings/0/code"), "github_trouble");
    app.advance(Duration::from_secs(60)).await;
    let path = format!("/v1/portfolio/imports/{}", import.id());
    assert_eq!(app.get(&path).by(&dora).expect(200).await.text_at("/state"), "completed");

    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.github("/_sandbox/faults", json!({ "kind": "malformed", "count": 50, "path_prefix": "/api/user" }))
        .await;
    let import = app.import(&deniz).await;
    for _ in 0..6 {
        app.advance(Duration::from_secs(600)).await;
    }
    app.github("/_sandbox/reset", json!({})).await;
    let path = format!("/v1/portfolio/imports/{}", import.id());
    let failed = app.get(&path).by(&deniz).expect(200).await;
    assert_eq!(failed.text_at("/failure/code"), "github_unavailable", "{failed}");
    app.imported(&deniz).await;
    app.stop().await;
}

#[tokio::test]
async fn a_suspended_account_is_not_imported() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let admin = app.staff("staff-rosa", assay_kernel::Permission::Admin).await;
    let asked = app.post("/v1/portfolio/imports").by(&dora).expect(202).await;
    app.asked().await;
    let suspend = json!({ "reason_code": "fraud", "reason": "Suspended for a test of imports." });
    app.post(&format!("/v1/accounts/{}/suspend", dora.id)).by(&admin).json(suspend).expect(200).await;
    app.work().await;
    let (_, paths) = app.asked().await;
    assert!(paths.get("GET /api/user").is_none(), "GitHub was asked for somebody suspended: {paths}");
    let back = json!({ "reason": "It was only a test." });
    app.post(&format!("/v1/accounts/{}/reinstate", dora.id)).by(&admin).json(back).expect(200).await;
    let dora = app.sign_in("dev-dora").await;
    let path = format!("/v1/portfolio/imports/{}", asked.id());
    let failed = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(failed.text_at("/failure/code"), "account_inactive");
    app.stop().await;
}

#[tokio::test]
async fn who_reads_only_or_is_no_developer_imports_nothing() {
    let app = TestApp::start().await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    let refused = app.post("/v1/portfolio/imports").by(&carl).expect(403).await;
    assert_eq!(refused.code(), "forbidden");
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let import = app.post("/v1/portfolio/imports").by(&dora).expect(202).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let path = format!("/v1/portfolio/imports/{}", import.id());
    app.get(&path).by(&deniz).expect(404).await;
    app.get("/v1/portfolio/imports/pim_00000000000000000000000000000000").by(&dora).expect(404).await;
    app.get("/v1/portfolio/imports/nothing").by(&dora).expect(404).await;
    app.get("/v1/portfolio/imports?limit=0").by(&dora).expect(400).await;
    app.get("/v1/portfolio/imports?cursor=nonsense").by(&dora).expect(400).await;
    app.stop().await;
}
