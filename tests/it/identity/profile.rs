//! `/v1/me` and the developer's public profile.

use serde_json::json;

use super::pointers;
use crate::harness::TestApp;

#[tokio::test]
async fn people_change_what_they_have_seen() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let seen = app.get("/v1/me").by(&dora).expect(200).await;
    let tag = seen.etag();
    let patch = |body: serde_json::Value| app.patch("/v1/me").by(&dora).json(body);
    let blind = patch(json!({ "bio": "Hello" })).expect(428).await;
    assert_eq!(blind.code(), "precondition_required");

    let full = json!({ "bio": "Ten years of\nReact.", "country": "GH", "time_zone": "Africa/Accra", "headline": "Web" });
    let changed = patch(full).if_match(&tag).expect(200).await;
    assert_eq!(changed.text_at("/bio"), "Ten years of\nReact.");
    assert_eq!(changed.at("/version").as_i64(), Some(seen.at("/version").as_i64().unwrap() + 1));
    assert_ne!(changed.etag(), tag);
    let stale = patch(json!({ "bio": "Other" })).if_match(&tag).expect(412).await;
    assert_eq!(stale.code(), "precondition_failed");

    // What stays the same makes no new version; null removes.
    let same = patch(json!({ "headline": "Web" })).if_match(&changed.etag()).expect(200).await;
    assert_eq!(same.etag(), changed.etag());
    let removed =
        patch(json!({ "headline": null, "country": null })).if_match(&same.etag()).expect(200).await;
    assert!(removed.at("/headline").is_null() && removed.at("/country").is_null());
    assert_eq!(removed.text_at("/bio"), "Ten years of\nReact.");
    let body = json!({ "bio": "As a merge patch" }).to_string();
    let patch_type = "application/merge-patch+json";
    let call = app.patch("/v1/me").by(&dora).if_match(&removed.etag());
    call.body(patch_type, body).expect(200).await;
    let unchanged = app.get("/v1/me").by(&dora).expect(200).await;
    let again = app.get("/v1/me").by(&dora).header("if-none-match", &unchanged.etag()).send_unchecked().await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_profile_is_checked_as_a_whole() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let tag = app.get("/v1/me").by(&dora).expect(200).await.etag();
    let refuse = async |body: serde_json::Value| {
        let call = app.patch("/v1/me").by(&dora).if_match(&tag).json(body);
        pointers(&call.expect(422).await)
    };
    let bad = json!({
        "display_name": "x", "headline": "two\nlines", "country": "Ghana", "time_zone": "Mars/Base",
        "website": "http://example.com", "bio": "a\u{202E}b",
    });
    let mut told = refuse(bad).await;
    told.sort();
    assert_eq!(told, ["/bio", "/country", "/display_name", "/headline", "/time_zone", "/website"]);
    assert_eq!(refuse(json!({ "contact_email": "eve@example.com" })).await, ["/contact_email"]);
    assert_eq!(refuse(json!({ "roles": ["client"] })).await, ["/roles"]);
    assert_eq!(refuse(json!({ "roles": [] })).await, ["/roles"]);
    for closed in ["status", "permissions", "login", "id", "version", "terms_version", "verified_emails"] {
        assert_eq!(refuse(json!({ closed: "active" })).await, [format!("/{closed}")]);
    }
    refuse(json!({ "display_name": null })).await;
    let both = app.patch("/v1/me").by(&dora).if_match(&tag).json(json!({ "roles": ["developer", "client"] }));
    assert_eq!(both.expect(200).await.at("/roles"), json!(["developer", "client"]));
}

#[tokio::test]
async fn strangers_see_a_developers_profile_without_the_address() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    let fresh = app.sign_in("dev-deniz").await;
    let shown = app.get(&format!("/v1/developers/{}", dora.id)).expect(200).await;
    assert_eq!(shown.text_at("/login"), "dev-dora");
    assert!(!shown.text.contains('@'), "{shown}");
    app.get(&format!("/v1/developers/{}", carl.id)).expect(404).await;
    app.get(&format!("/v1/developers/{}", fresh.id)).expect(404).await;
    app.get("/v1/developers/acc_00000000000000000000000000000000").expect(404).await;
    app.get("/v1/developers/org_00000000000000000000000000000000").expect(404).await;
}
