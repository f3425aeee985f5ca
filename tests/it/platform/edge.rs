//! What every request passes: limits, ids, headers, CORS.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Answer, TestApp};

/// Asks until refused, over two windows at most.
async fn until_refused(app: &TestApp, path: &str, quota: usize) -> Answer {
    for _ in 0..=2 * quota {
        let answer = app.get(path).send().await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("{path} was never refused");
}

#[tokio::test]
async fn each_caller_has_a_share_of_requests() {
    let app = TestApp::start_with(&[("rate_limit.default", "8"), ("rate_limit.search", "4")]).await;
    let first = app.get("/v1/policy").expect(200).await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"default\";q=8;w=60"));
    assert!(first.header("ratelimit").expect("told").starts_with("\"default\";r="));
    let refused = until_refused(&app, "/v1/policy", 8).await;
    assert_eq!(refused.code(), "rate_limited");
    let wait: u64 = refused.header("retry-after").expect("told").parse().expect("seconds");
    assert!((1..=60).contains(&wait));
    assert!(refused.header("ratelimit").expect("told").starts_with("\"default\";r=0;t="), "{refused}");

    // Searches are counted by themselves; health is not counted at all.
    let search = until_refused(&app, "/v1/projects", 4).await;
    assert_eq!(search.header("ratelimit-policy"), Some("\"search\";q=4;w=60"));
    for _ in 0..20 {
        app.get("/livez").expect(200).await;
        app.get("/readyz").expect(200).await;
    }
    // Somebody signed in is counted by account, whatever their address has used up.
    let dora = app.sign_in("dev-dora").await;
    app.get("/v1/me").by(&dora).expect(200).await;
    app.ctx().clock.advance(Duration::from_secs(wait + 1));
    app.get("/v1/policy").expect(200).await;
}

#[tokio::test]
async fn guessing_credentials_is_slow() {
    let app = TestApp::start_with(&[("rate_limit.sign_in", "6")]).await;
    let mut statuses = Vec::new();
    for n in 0..15 {
        let token = format!("guess-{n}");
        statuses.push(app.get("/v1/me").bearer(&token).send().await.status);
    }
    assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
    let refused = until_refused(&app, "/v1/auth/github/start", 6).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"sign_in\";q=6;w=60"));
    // Who has no credential to guess is not in the way.
    app.get("/v1/policy").expect(200).await;
}

#[tokio::test]
async fn a_request_is_known_by_an_id() {
    let app = TestApp::start().await;
    let get = |id: &str| app.get("/v1/nothing").header("x-request-id", id);
    let own = get("my-request_0001").expect(404).await;
    assert_eq!(own.header("x-request-id"), Some("my-request_0001"));
    assert_eq!(own.text_at("/request_id"), "my-request_0001");
    for odd in ["short", "with space in it", "<script>alert(1)", &"x".repeat(65), "semi;colon=1"] {
        let made = get(odd).expect(404).await;
        let id = made.header("x-request-id").expect("an id").to_owned();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{odd}: {id}");
        assert_eq!(made.text_at("/request_id"), id);
    }
}

#[tokio::test]
async fn answers_are_hardened_for_browsers() {
    let app = TestApp::start().await;
    let dora = app.sign_in("dev-dora").await;
    for answer in [
        app.get("/v1/policy").expect(200).await,
        app.get("/v1/nothing").expect(404).await,
        app.get("/v1/me").expect(401).await,
        app.get("/v1/me").by(&dora).expect(200).await,
        app.post("/v1/policy").expect(405).await,
        app.get("/v1/auth/github/start").expect(302).await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer}");
        }
        assert!(answer.header("cache-control").is_some(), "{answer}");
        assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none());
        // Reached over plain http, so nothing is promised about https.
        assert!(answer.header("strict-transport-security").is_none());
    }
    let refused = app.get("/v1/me").expect(401).await;
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"assay\""));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn browsers_of_other_origins_get_in_only_where_configured() {
    let friend = "https://app.assay.example";
    let app = TestApp::start_with(&[("server.cors_origins", "[\"https://app.assay.example\"]")]).await;
    let preflight = |origin: &str| {
        app.request(reqwest::Method::OPTIONS, "/v1/me")
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "content-type,if-match")
    };
    let allowed = preflight(friend).send_unchecked().await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(friend));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    for stranger in
        ["https://evil.example", "https://app.assay.example.evil.example", "http://app.assay.example", "null"]
    {
        let refused = preflight(stranger).send_unchecked().await;
        assert!(refused.header("access-control-allow-origin").is_none(), "{stranger}: {refused}");
        let plain = app.get("/v1/policy").header("origin", stranger).send_unchecked().await;
        assert!(plain.header("access-control-allow-origin").is_none(), "{stranger}");
    }
    let simple = app.get("/v1/policy").header("origin", friend).expect(200).await;
    assert_eq!(simple.header("access-control-allow-origin"), Some(friend));
    assert!(simple.header("access-control-expose-headers").expect("exposed").to_lowercase().contains("etag"));
    assert!(simple.header("vary").expect("told").to_lowercase().contains("origin"));

    let plain = TestApp::start().await;
    let answer = plain.get("/v1/policy").header("origin", friend).expect(200).await;
    assert!(answer.header("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_body_is_of_the_right_kind() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let body = "{\"text\":\"Some words that are long enough.\"}";
    let post = || app.post("/v1/me/suspension/appeal").by(&dora);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "text/json"] {
        assert_eq!(post().body(kind, body).expect(415).await.code(), "unsupported_media_type");
    }
    post().body("application/json", body).header("content-encoding", "gzip").expect(415).await;
    post().body("application/json; charset=utf-8", body).expect(409).await;
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(post().body("application/json", large).expect(413).await.code(), "body_too_large");
    let wrong = app.put("/v1/me").by(&dora).json(json!({})).expect(405).await;
    assert_eq!(wrong.header("allow"), Some("GET, HEAD, OPTIONS, PATCH"));
}
