use assay_kernel::{Clock, Entropy};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Stage;
use crate::github::{Api, Client, Config, GithubError};

fn user() -> Value {
    json!({
        "id": 7, "login": "mona", "type": "User", "avatar_url": "https://a.example/7", "html_url": "https://a.example/mona",
        "name": "Mona", "public_repos": 1, "followers": 0, "following": 0, "created_at": "2020-01-01T00:00:00Z",
        "something_new": { "of": ["no", "interest"] },
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut user = user();
    user[member] = value;
    user
}

async fn malformed(api: &Api) -> String {
    match api.user(None).await.unwrap_err() {
        GithubError::Malformed { detail, .. } => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn absurd_members_are_refused_and_never_repeated() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    stage.answers("/api/user", user()).await;
    assert_eq!(api.user(None).await.unwrap().into_value().unwrap().login, "mona");

    for (member, value) in [
        ("login", json!("mona/../admin")),
        ("login", json!("mona\u{0}")),
        ("login", json!("")),
        ("login", json!("-mona")),
        ("login", json!("m".repeat(40))),
        ("login", json!(null)),
        ("id", json!(0)),
        ("id", json!(-7)),
        ("id", json!(7.5)),
        ("id", json!("7")),
        ("id", json!(18_446_744_073_709_551_615_u64)),
        ("followers", json!(-1)),
        ("followers", json!(1_u64 << 60)),
        ("name", json!("a\u{0}b")),
        ("bio", json!("x".repeat(5_000))),
        ("html_url", json!("javascript:alert(1)")),
        ("avatar_url", json!("/relative")),
        ("created_at", json!("yesterday")),
    ] {
        let secret = value.to_string();
        stage.answers("/api/user", with(member, value)).await;
        let detail = malformed(&api).await;
        assert!(detail.contains(member), "{member}: {detail}");
        assert!(secret.len() < 6 || !detail.contains(&secret), "{detail}");
    }
    assert_eq!(stage.asked("GET /api/user").await, 19, "a malformed answer is not asked for again");
}

#[tokio::test]
async fn names_are_cleaned_not_refused() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    stage.answers("/api/user", with("name", json!(" Jose\u{301}\u{202E} \u{200B}Ruiz\n"))).await;
    assert_eq!(api.user(None).await.unwrap().into_value().unwrap().name.as_deref(), Some("José Ruiz"));
    stage.answers("/api/user", with("name", json!(" \u{200B} "))).await;
    assert_eq!(api.user(None).await.unwrap().into_value().unwrap().name, None);
}

#[tokio::test]
async fn what_is_not_a_json_object_is_refused() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    for body in
        ["", "{", "null", "[]", "[7,\"mona\"]", "\"x\"", "{} {}", "{\"login\": \"mona\"}", "\u{feff}{}"]
    {
        stage.fault(json!({ "kind": "malformed", "body": body })).await;
        malformed(&api).await;
    }
    let html = json!({ "kind": "malformed", "content_type": "text/html", "body": user().to_string() });
    stage.fault(html).await;
    assert_eq!(malformed(&api).await, "not application/json");
    stage.fault(json!({ "kind": "malformed", "body": " ".repeat(5 * 1024 * 1024 + 1) })).await;
    assert_eq!(malformed(&api).await, "larger than 5 MiB");
    for status in [201, 304, 400, 418] {
        stage.fault(json!({ "kind": "malformed", "status": status, "body": "" })).await;
        malformed(&api).await;
    }
    stage.fault(json!({ "kind": "malformed", "body": "[".repeat(200_000) })).await;
    malformed(&api).await;
}

#[tokio::test]
async fn addresses_must_look_like_addresses() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    for address in ["no-at-sign", "@x", "x@", "a b@c", "a\r\nBcc: d@e", &format!("{}@x", "y".repeat(260))] {
        let emails = json!([{ "email": address, "primary": true, "verified": true, "visibility": null }]);
        stage.answers("/api/user/emails", emails).await;
        let error = api.emails().await.unwrap_err();
        assert!(matches!(error, GithubError::Malformed { .. }), "{address}: {error:?}");
    }
}

#[tokio::test]
async fn links_and_redirects_stay_inside_the_api() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    let base = stage.server.base_url().as_str().trim_end_matches('/').to_owned();
    let path = "/api/users/dev-dora/repos";
    for target in [
        "https://evil.example/api/users/dev-dora/repos?page=2".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("{base}/login/oauth/authorize"),
        format!("{base}/api/../_sandbox/requests"),
        format!("{base}/apix/users"),
        base.replace("http://", "http://user:pw@") + "/api/user",
        base.replace("http://", "https://") + "/api/user",
        "/api/user".to_owned(),
        "gopher://127.0.0.1".to_owned(),
    ] {
        let link = format!("<{target}>; rel=\"next\"");
        stage.fault(json!({ "kind": "malformed", "path_prefix": path, "body": "[]", "link": link })).await;
        let error = api.repos("dev-dora", None).await.unwrap_err();
        assert!(matches!(error, GithubError::Malformed { .. }), "{target}: {error:?}");

        if target != "/api/user" {
            let order = json!({ "kind": "malformed", "status": 302, "path_prefix": path, "location": target, "body": "" });
            stage.fault(order).await;
            let error = api.repos("dev-dora", None).await.unwrap_err();
            assert!(matches!(error, GithubError::Malformed { .. }), "{target}: {error:?}");
        }
    }
    // A list that points to itself, and a redirect without end.
    let own = format!("<{base}{path}?type=owner&sort=pushed&per_page=100>; rel=\"next\"");
    stage.fault(json!({ "kind": "malformed", "path_prefix": path, "body": "[]", "link": own })).await;
    assert!(matches!(api.repos("dev-dora", None).await, Err(GithubError::Malformed { .. })));
    let order = json!({
        "kind": "malformed", "status": 302, "count": 4, "path_prefix": path, "location": path, "body": ""
    });
    stage.fault(order).await;
    assert!(matches!(api.repos("dev-dora", None).await, Err(GithubError::Malformed { .. })));
}

#[tokio::test]
async fn a_refusal_that_is_no_limit_is_forbidden() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    let body = json!({ "message": "The history or contributor list is too large to list contributors", "status": "403" });
    let order = json!({ "kind": "malformed", "status": 403, "body": body.to_string() });
    stage.fault(order).await;
    let error = api.contributors("open-forge", "lexer-kit", None).await.unwrap_err();
    assert!(matches!(error, GithubError::Forbidden { .. }), "{error:?}");
    stage.fault(json!({ "kind": "malformed", "status": 204, "body": "" })).await;
    let empty = api.contributors("open-forge", "lexer-kit", None).await.unwrap().into_value().unwrap();
    assert!(empty.items.is_empty() && empty.complete);
}

#[test]
fn a_base_must_be_a_web_address() {
    let make = |api: &str, web: &str| {
        let config =
            Config::new(api.parse().unwrap(), web.parse().unwrap(), "id", SecretString::from("hush-hush"));
        assert!(!format!("{config:?}").contains("hush"));
        Client::new(config, Clock::system(), Entropy::system())
    };
    let live = make("http://api.github.com", "http://github.com").unwrap();
    assert_eq!(live.api_url(&["users", "a/../b"]).as_str(), "http://api.github.com/users/a%2F..%2Fb");
    assert!(!format!("{live:?}").contains("hush"));
    for bad in [
        "ftp://api.github.com",
        "mailto:a@b.example",
        "https://u@api.github.com",
        "https://api.github.com/?x",
    ] {
        assert!(matches!(make(bad, "https://github.com"), Err(GithubError::Config(_))), "{bad}");
    }
}
