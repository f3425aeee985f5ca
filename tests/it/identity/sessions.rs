//! Sessions: how they end, and who may use a browser's.

use std::time::Duration;

use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn signing_out_ends_everything_of_the_session_at_once() {
    let app = TestApp::start().await;
    let tokens = app.walk_sign_in("dev-dora").await;
    let access = tokens.text_at("/access_token");
    app.post("/v1/auth/logout").bearer(&access).expect(204).await;
    app.get("/v1/me").bearer(&access).expect(401).await;
    app.refresh(&tokens.text_at("/refresh_token")).expect(401).await;
    app.post("/v1/auth/logout").bearer(&access).expect(401).await;

    let cookie = app.browser("dev-dora").await;
    let out = app.with_cookie(app.post("/v1/auth/logout"), &cookie).expect(204).await;
    let gone = out.header("set-cookie").expect("a cookie");
    assert!(gone.starts_with("__Host-session=;") && gone.contains("Max-Age=0"), "{gone}");
    app.with_cookie(app.get("/v1/me"), &cookie).expect(401).await;
    // An ended session does not stand in the way of public pages.
    app.with_cookie(app.get("/v1/policy"), &cookie).expect(200).await;
    app.with_cookie(app.get("/v1/auth/github/start"), &cookie).expect(302).await;
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let lost = app.browser("dev-dora").await;
    let phone = app.walk_sign_in("dev-dora").await;

    let list = app.get("/v1/me/sessions").by(&dora).expect(200).await.at("/data");
    let list = list.as_array().unwrap().clone();
    assert_eq!(list.len(), 3);
    assert_eq!(list.iter().filter(|session| session["current"] == true).count(), 1);
    let browser = list.iter().find(|session| session["kind"] == "browser").expect("the browser");
    assert_eq!((browser["ip"].as_str(), browser["current"].as_bool()), (Some("127.0.0.1"), Some(false)));

    let path = format!("/v1/me/sessions/{}", browser["id"].as_str().unwrap());
    app.delete(&path).by(&deniz).expect(404).await;
    app.with_cookie(app.get("/v1/me"), &lost).expect(200).await;
    app.delete(&path).by(&dora).expect(204).await;
    app.with_cookie(app.get("/v1/me"), &lost).expect(401).await;
    app.delete(&path).by(&dora).expect(404).await;
    app.delete("/v1/me/sessions/junk").by(&dora).expect(404).await;
    assert_eq!(
        app.get("/v1/me/sessions").by(&dora).expect(200).await.at("/data").as_array().unwrap().len(),
        2
    );

    // Pages of one, in the same order, with no one else's cursor.
    let page = app.get("/v1/me/sessions?limit=1").by(&dora).expect(200).await;
    let cursor = page.text_at("/next_cursor");
    let next = app.get(&format!("/v1/me/sessions?limit=1&cursor={cursor}")).by(&dora).expect(200).await;
    assert_ne!(page.at("/data/0/id"), next.at("/data/0/id"));
    assert!(next.at("/next_cursor").is_null());
    let foreign = app.get(&format!("/v1/me/sessions?cursor={cursor}")).by(&deniz).expect(400).await;
    assert_eq!(foreign.code(), "invalid_cursor");

    let ended = app.post("/v1/me/sessions/revoke_all").by(&dora).expect(200).await;
    assert_eq!(ended.at("/revoked"), 2);
    app.get("/v1/me").by(&dora).expect(401).await;
    app.get("/v1/me").bearer(&phone.text_at("/access_token")).expect(401).await;
    app.refresh(&phone.text_at("/refresh_token")).expect(401).await;
    app.get("/v1/me").by(&deniz).expect(200).await;
}

#[tokio::test]
async fn an_unused_browser_session_ends() {
    let app = TestApp::start().await;
    let (used, unused) = (app.browser("dev-dora").await, app.browser("dev-dora").await);
    for _ in 0..2 {
        app.advance(Duration::from_secs(47 * 3_600)).await;
        app.with_cookie(app.get("/v1/me"), &used).expect(200).await;
    }
    app.with_cookie(app.get("/v1/me"), &unused).expect(401).await;
    app.advance(Duration::from_secs(73 * 3_600)).await;
    app.with_cookie(app.get("/v1/me"), &used).expect(401).await;
}

#[tokio::test]
async fn every_browser_session_ends_after_thirty_days() {
    let app = TestApp::start().await;
    let cookie = app.browser("dev-dora").await;
    for _ in 0..11 {
        app.advance(Duration::from_secs(65 * 3_600)).await;
        app.with_cookie(app.get("/v1/me"), &cookie).expect(200).await;
    }
    app.advance(Duration::from_secs(6 * 3_600)).await;
    app.with_cookie(app.get("/v1/me"), &cookie).expect(401).await;
}

#[tokio::test]
async fn other_sites_cannot_use_a_browsers_session() {
    let friend = "https://app.assay.example";
    let app = TestApp::start_with(&[("server.cors_origins", "[\"https://app.assay.example\"]")]).await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    let cookie = app.browser("carl-client").await;
    let post = || {
        let input = json!({ "name": "Jensen Freight", "country": "DK" });
        app.with_cookie(app.post("/v1/organisations"), &cookie).json(input)
    };
    // CORS itself refuses strangers' origins here; the next test has none configured.
    for origin in ["https://evil.example", "null", &format!("{}.evil.example", app.base)] {
        let answer = post().header("origin", origin).send_unchecked().await;
        assert!((400..500).contains(&answer.status), "{origin}: {answer}");
    }
    for site in ["cross-site", "same-site"] {
        let refused = post().header("sec-fetch-site", site).expect(403).await;
        assert_eq!(refused.code(), "cross_site_request");
    }
    assert_eq!(app.get("/v1/organisations").by(&carl).expect(200).await.at("/data"), json!([]));
    post().header("origin", friend).expect(201).await;
    post().header("sec-fetch-site", "same-origin").expect(201).await;
    // Programs with a cookie jar send neither header.
    post().expect(201).await;
}

#[tokio::test]
async fn a_foreign_origin_is_refused_whatever_it_changes() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let cookie = app.browser("dev-dora").await;
    let me = app.with_cookie(app.get("/v1/me"), &cookie).header("origin", "https://evil.example");
    let tag = me.expect(200).await.etag();
    let evil = "https://evil.example";
    let cases = [
        app.patch("/v1/me").if_match(&tag).json(json!({ "headline": "Owned" })),
        app.post("/v1/auth/logout"),
        app.post("/v1/me/sessions/revoke_all"),
        app.delete("/v1/me/sessions/ses_00000000000000000000000000000000"),
    ];
    for call in cases {
        let refused = app.with_cookie(call, &cookie).header("origin", evil).expect(403).await;
        assert_eq!(refused.code(), "cross_site_request");
    }
    for near in ["null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost"] {
        let call = app.with_cookie(app.post("/v1/auth/logout"), &cookie);
        call.header("origin", near).expect(403).await;
    }
    // A form's content type does not get through even from the right origin.
    let form = app.with_cookie(app.patch("/v1/me"), &cookie).if_match(&tag).header("origin", &app.base);
    form.body("text/plain", "{}").expect(415).await;
    // A bearer token is sent by nobody unasked, so its origin does not matter.
    let patch = app.patch("/v1/me").by(&dora).if_match(&tag).header("origin", evil);
    patch.json(json!({ "headline": "Mine" })).expect(200).await;
    app.with_cookie(app.post("/v1/auth/logout"), &cookie).header("origin", &app.base).expect(204).await;
    app.with_cookie(app.get("/v1/me"), &cookie).expect(401).await;
}
