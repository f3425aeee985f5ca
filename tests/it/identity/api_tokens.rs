//! Personal API tokens.

use std::time::Duration;

use assay_kernel::Permission;
use serde_json::json;

use super::pointers;
use crate::harness::TestApp;

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let app = TestApp::start().await;
    let carl = app.sign_up("carl-client", &["client", "developer"]).await;
    let (read, _) = app.api_token(&carl, &["read"]).await;
    let (hire, _) = app.api_token(&carl, &["hire"]).await;
    let company = || app.post("/v1/organisations").json(json!({ "name": "Jensen Freight", "country": "DK" }));

    app.get("/v1/organisations").bearer(&read).expect(200).await;
    company().bearer(&hire).expect(201).await;
    for refused in [
        company().bearer(&read).expect(403).await,
        app.get("/v1/organisations").bearer(&hire).expect(403).await,
        app.get("/v1/me").bearer(&hire).expect(403).await,
        app.get("/v1/me/tokens").bearer(&read).expect(403).await,
        app.get("/v1/me/sessions").bearer(&read).expect(403).await,
        app.post("/v1/auth/logout").bearer(&read).expect(403).await,
        app.post("/v1/me/sessions/revoke_all").bearer(&read).expect(403).await,
        app.patch("/v1/me").bearer(&read).if_match("*").json(json!({ "headline": "x" })).expect(403).await,
    ] {
        assert_eq!(refused.code(), "insufficient_scope", "{refused}");
    }
    // Not even a token with every scope makes tokens.
    let input = json!({
        "name": "all", "scopes": ["read", "bid", "hire", "spend"],
        "spend_limit": { "amount": 100_000, "currency": "USD" },
        "expires_at": app.now() + chrono::Duration::days(1),
    });
    let all = app.post("/v1/me/tokens").by(&carl).json(input.clone()).expect(201).await.text_at("/token");
    let refused = app.post("/v1/me/tokens").bearer(&all).json(input).expect(403).await;
    assert_eq!(refused.code(), "insufficient_scope");
}

#[tokio::test]
async fn a_token_of_staff_is_no_staff() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let (token, _) = app.api_token(&rosa, &["read", "bid", "hire"]).await;
    app.get("/v1/me").bearer(&token).expect(200).await;
    for path in ["/v1/audit", "/v1/jobs", "/v1/staff/accounts?login=staff-rosa", "/v1/staff/approvals"] {
        app.get(path).by(&rosa).expect(200).await;
        let refused = app.get(path).bearer(&token).expect(403).await;
        assert_eq!(refused.code(), "insufficient_scope", "{path}");
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_ends() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let (secret, id) = app.api_token(&dora, &["read"]).await;
    let (kept, _) = app.api_token(&dora, &["read"]).await;
    assert!(secret.starts_with("asy_pat_") && secret.len() == 57, "{secret}");

    let list = app.get("/v1/me/tokens").by(&dora).expect(200).await;
    assert!(!list.text.contains(&secret) && !list.text.contains("\"token\""), "{list}");
    let mine = list.at("/data").as_array().unwrap().iter().find(|one| one["id"] == id.as_str()).cloned();
    assert_eq!(mine.expect("listed")["last_four"], secret[53..]);
    assert_eq!(app.get("/v1/me/tokens").by(&deniz).expect(200).await.at("/data"), json!([]));

    let path = format!("/v1/me/tokens/{id}");
    app.get("/v1/me").bearer(&secret).expect(200).await;
    app.delete(&path).by(&deniz).expect(404).await;
    app.delete(&path).by(&dora).expect(204).await;
    app.get("/v1/me").bearer(&secret).expect(401).await;
    app.delete(&path).by(&dora).expect(404).await;

    app.advance_days(9).await;
    app.get("/v1/me").bearer(&kept).expect(200).await;
    app.advance_days(2).await;
    app.get("/v1/me").bearer(&kept).expect(401).await;
    assert_eq!(app.get("/v1/me/tokens").by(&dora).expect(200).await.at("/data"), json!([]));
}

#[tokio::test]
async fn what_a_token_may_be_is_checked() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let day = app.now() + chrono::Duration::days(1);
    let post = |input: serde_json::Value| app.post("/v1/me/tokens").by(&dora).json(input);
    let bad = post(json!({
        "name": "x", "scopes": ["account", "read", "read"], "expires_at": "2020-01-01T00:00:00Z",
        "spend_limit": { "amount": 1, "currency": "EUR" },
    }))
    .expect(422)
    .await;
    let mut told = pointers(&bad);
    told.sort();
    told.dedup();
    assert_eq!(told[..2], ["/expires_at", "/scopes"], "{bad}");
    assert!(told[2].starts_with("/spend_limit"), "{bad}");
    let limit = json!({ "amount": 100, "currency": "USD" });
    for bad in [
        json!({ "name": "x", "scopes": ["spend"], "expires_at": day }),
        json!({ "name": "x", "scopes": ["read"], "spend_limit": limit, "expires_at": day }),
        json!({ "name": "x", "scopes": [], "expires_at": day }),
        json!({ "name": "", "scopes": ["read"], "expires_at": day }),
        json!({ "name": "a\nb", "scopes": ["read"], "expires_at": day }),
        json!({ "name": "x", "scopes": ["everything"], "expires_at": day }),
        json!({ "name": "x", "scopes": ["read"], "expires_at": app.now() + chrono::Duration::days(367) }),
        json!({ "name": "x", "scopes": ["read"] }),
    ] {
        post(bad).expect(422).await;
    }
}

#[tokio::test]
async fn making_a_token_needs_a_recent_sign_in() {
    let app = TestApp::start().await;
    app.sign_up("dev-dora", &["developer"]).await;
    let (cookie, tokens) = (app.browser("dev-dora").await, app.walk_sign_in("dev-dora").await);
    let input = json!({
        "name": "of a test", "scopes": ["read"], "expires_at": app.now() + chrono::Duration::days(10),
    });
    let make = || app.post("/v1/me/tokens").json(input.clone());
    app.with_cookie(make(), &cookie).expect(201).await;
    app.advance(Duration::from_secs(11 * 60)).await;
    app.with_cookie(app.get("/v1/me"), &cookie).expect(200).await;
    let refused = app.with_cookie(make(), &cookie).expect(403).await;
    assert_eq!(refused.code(), "reauthentication_required");
    // Fresh tokens are no fresh sign-in.
    let fresh = app.refresh(&tokens.text_at("/refresh_token")).expect(200).await.text_at("/access_token");
    assert_eq!(make().bearer(&fresh).expect(403).await.code(), "reauthentication_required");
    let cookie = app.browser("dev-dora").await;
    app.with_cookie(make(), &cookie).expect(201).await;
}
