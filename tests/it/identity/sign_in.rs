//! Signing in with GitHub and signing up.

use std::time::Duration;

use assay_kernel::Permission;
use serde_json::json;

use super::{pointers, sign_up_input};
use crate::harness::TestApp;

#[tokio::test]
async fn a_browser_signs_in_and_goes_on_where_it_wanted_to() {
    let app = TestApp::start().await;
    let started = app.begin("?return_to=/docs/%3Fx%3D1").await;
    let page = app.get("/v1/auth/github/start").expect(302).await;
    let binding = page.header("set-cookie").expect("a cookie").to_owned();
    assert!(binding.starts_with("__Host-signin="), "{binding}");
    for attribute in ["Path=/", "Max-Age=600", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(binding.split("; ").any(|part| part == attribute), "{binding} lacks {attribute}");
    }
    for part in ["code_challenge_method=S256", "code_challenge=", "state=", "client_id="] {
        assert!(started.location.contains(part), "{} lacks {part}", started.location);
    }

    let path = app.choose(&started, "login=dev-dora").await;
    let done = app
        .http
        .get(format!("{}{path}", app.base))
        .header("cookie", &started.cookie)
        .send()
        .await
        .expect("an answer");
    assert_eq!(done.status(), 302);
    assert_eq!(done.headers()["location"], "/docs/?x=1");
    assert_eq!(done.headers()["cache-control"], "no-store");
    let cookies: Vec<&str> =
        done.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text")).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-session=")).expect("a session");
    for attribute in ["Path=/", "Max-Age=2592000", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(session.split("; ").any(|part| part == attribute), "{session} lacks {attribute}");
    }
    assert!(!session.contains("Domain"), "{session}");
    assert!(
        cookies.iter().any(|cookie| cookie.starts_with("__Host-signin=;") && cookie.contains("Max-Age=0")),
        "the binding is forgotten: {cookies:?}"
    );

    let value = session.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair").1;
    let me = app.with_cookie(app.get("/v1/me"), value).expect(200).await;
    assert_eq!(me.text_at("/login"), "dev-dora");
    assert_eq!(me.text_at("/status"), "pending");
    assert_eq!(me.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let app = TestApp::start().await;
    for evil in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%5C%5Cevil.example",
        "/%2509/evil.example",
        "/%252Fevil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "/a%0D%0Aset-cookie:x=1",
        "docs",
        "",
    ] {
        let path = format!("/v1/auth/github/start?return_to={evil}");
        let refused = app.get(&path).expect(400).await;
        assert!(refused.header("set-cookie").is_none() && refused.header("location").is_none(), "{evil}");
    }
    app.get("/v1/auth/github/start?mode=other").expect(400).await;
}

#[tokio::test]
async fn a_sign_in_works_once_and_in_its_own_browser_only() {
    let app = TestApp::start().await;
    let started = app.begin("").await;
    let path = app.choose(&started, "login=dev-dora").await;
    app.come_back(&started, &path).expect(302).await;
    let again = app.come_back(&started, &path).expect(400).await;
    assert_eq!(again.code(), "sign_in_failed");
    assert!(again.header("set-cookie").is_none());

    // The link that GitHub gave to one browser, opened in another: login CSRF.
    let attacker = app.begin("").await;
    let link = app.choose(&attacker, "login=dev-deniz").await;
    let victim = app.begin("").await;
    for refused in [app.get(&link).send().await, app.come_back(&victim, &link).send().await] {
        assert_eq!((refused.status, refused.code().as_str()), (400, "sign_in_failed"));
        assert!(refused.header("set-cookie").is_none());
    }
    // The state was spent by the attempt, so the right browser fails now, too.
    app.come_back(&attacker, &link).expect(400).await;

    for junk in ["", "?state=x&code=y", "?code=y", &format!("?state={}&code=y", "A".repeat(43))] {
        let refused = app.get(&format!("/v1/auth/github/callback{junk}")).expect(400).await;
        assert_eq!(refused.code(), "sign_in_failed", "{junk}");
    }
}

#[tokio::test]
async fn two_tabs_do_not_spoil_each_others_sign_in() {
    let app = TestApp::start().await;
    let first = app.begin("").await;
    let start = app.get("/v1/auth/github/start?mode=token").header("cookie", &first.cookie).expect(302).await;
    let second = super::Started {
        cookie: start.header("set-cookie").unwrap().split(';').next().unwrap().to_owned(),
        location: start.header("location").unwrap().to_owned(),
    };
    assert_eq!(first.cookie, second.cookie);
    let back = app.choose(&second, "login=dev-dora").await;
    app.come_back(&second, &back).expect(200).await;
    let back = app.choose(&first, "login=dev-dora").await;
    app.come_back(&second, &back).expect(302).await;
}

#[tokio::test]
async fn one_code_redeemed_at_once_signs_in_once() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        let started = app.begin("?mode=token").await;
        let path = app.choose(&started, "login=dev-dora").await;
        let tries = (0..5).map(|_| app.come_back(&started, &path).send());
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 400).count(), 4);
    }
}

#[tokio::test]
async fn ten_minutes_are_given_to_sign_in() {
    let app = TestApp::start().await;
    let (slow, late) = (app.begin("?mode=token").await, app.begin("?mode=token").await);
    app.advance(Duration::from_secs(9 * 60)).await;
    let path = app.choose(&slow, "login=dev-dora").await;
    app.come_back(&slow, &path).expect(200).await;
    app.advance(Duration::from_secs(61)).await;
    let path = app.choose(&late, "login=dev-dora").await;
    let refused = app.come_back(&late, &path).expect(400).await;
    assert_eq!(refused.code(), "sign_in_failed");
}

#[tokio::test]
async fn declining_at_github_signs_nobody_in() {
    let app = TestApp::start().await;
    let started = app.begin("").await;
    let path = app.choose(&started, "deny=1").await;
    assert!(path.contains("error=access_denied"), "{path}");
    let refused = app.come_back(&started, &path).expect(400).await;
    assert_eq!(refused.code(), "sign_in_failed");
    assert!(refused.header("set-cookie").is_none());
}

#[tokio::test]
async fn github_in_trouble_is_told_and_costs_nothing_but_another_try() {
    let app = TestApp::start().await;
    let order = async |path: &str, kind: &str| {
        let fault = json!({ "kind": kind, "count": 20, "path_prefix": path, "status": 503 });
        let url = format!("{}_sandbox/faults", app.github.base_url());
        assert_eq!(app.http.post(url).json(&fault).send().await.expect("an answer").status(), 201);
    };
    let reset = async || {
        let url = format!("{}_sandbox/reset", app.github.base_url());
        app.http.post(url).send().await.expect("an answer");
    };
    for path in ["/login/oauth/access_token", "/api/user"] {
        let started = app.begin("?mode=token").await;
        let back = app.choose(&started, "login=dev-dora").await;
        order(path, "server_error").await;
        let refused = app.come_back(&started, &back).expect(503).await;
        assert_eq!(refused.code(), "provider_unavailable", "{path}");
        reset().await;
    }
    app.sign_in("dev-dora").await;
}

#[tokio::test]
async fn a_new_login_is_the_same_person() {
    let app = TestApp::start().await;
    let before = app.sign_up("rita-before", &["developer"]).await;
    let after = app.sign_in("renamed-rita").await;
    assert_eq!(before.id, after.id);
    let me = app.get("/v1/me").by(&after).expect(200).await;
    assert_eq!(me.text_at("/login"), "renamed-rita");
    assert_eq!(me.text_at("/status"), "active");
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    let found = |login: &str| app.get(&format!("/v1/staff/accounts?login={login}")).by(&admin).expect(200);
    assert_eq!(found("rita-before").await.at("/data"), json!([]));
    let one = found("RENAMED-rita").await;
    assert_eq!(one.at("/data/0/id"), json!(after.id));
    assert_eq!(one.at("/data").as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_addresses_that_github_verified_can_be_chosen() {
    let app = TestApp::start().await;
    let nina = app.sign_in("no-mail-nina").await;
    let me = app.get("/v1/me").by(&nina).expect(200).await;
    assert_eq!(me.at("/verified_emails"), json!([]));
    let input = sign_up_input(&app, &["developer"], "nina@petrova.example");
    let refused = app.post("/v1/me/sign_up").by(&nina).json(input).expect(422).await;
    assert_eq!(pointers(&refused), ["/contact_email"]);
    assert_eq!(app.get("/v1/me").by(&nina).expect(200).await.text_at("/status"), "pending");

    let pia = app.sign_in("private-pia").await;
    let me = app.get("/v1/me").by(&pia).expect(200).await;
    assert_eq!(me.at("/verified_emails"), json!([{ "email": "pia@rossi.example", "primary": true }]));
    for other in [
        "pia.old@rossi.example",
        "101000008+private-pia@users.noreply.github.com",
        "carl@jensenfreight.example",
        "",
    ] {
        let input = sign_up_input(&app, &["developer"], other);
        let refused = app.post("/v1/me/sign_up").by(&pia).json(input).expect(422).await;
        assert_eq!(pointers(&refused), ["/contact_email"], "{other}");
    }
    let input = sign_up_input(&app, &["developer"], "pia@rossi.example");
    app.post("/v1/me/sign_up").by(&pia).json(input).expect(200).await;
}

#[tokio::test]
async fn nobody_acts_before_signing_up_and_nobody_signs_up_twice() {
    let app = TestApp::start().await;
    let tokens = app.walk_sign_in("carl-client").await;
    assert_eq!(tokens.at("/sign_up_required"), true);
    let carl = app.sign_in("carl-client").await;
    let email = app.get("/v1/me").by(&carl).expect(200).await.text_at("/verified_emails/0/email");
    let company = json!({ "name": "Jensen Freight", "country": "DK" });
    for refused in [
        app.post("/v1/organisations").by(&carl).json(company.clone()).expect(403).await,
        app.get("/v1/organisations").by(&carl).expect(403).await,
        app.get("/v1/events").by(&carl).expect(403).await,
        app.get("/v1/me/tokens").by(&carl).expect(403).await,
    ] {
        assert_eq!(refused.code(), "sign_up_required", "{refused}");
    }

    let mut old = sign_up_input(&app, &["client", "client"], "eve@example.com");
    old["accept_terms_version"] = json!("2020-01-01");
    let refused = app.post("/v1/me/sign_up").by(&carl).json(old).expect(422).await;
    let mut told = pointers(&refused);
    told.sort();
    assert_eq!(told, ["/accept_terms_version", "/contact_email", "/roles"]);
    let staff = sign_up_input(&app, &["staff"], &email);
    app.post("/v1/me/sign_up").by(&carl).json(staff).expect(422).await;

    let input = sign_up_input(&app, &["client"], &email);
    let tries = (0..4).map(|_| app.post("/v1/me/sign_up").by(&carl).json(input.clone()).send());
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((refused.status, refused.code().as_str()), (409, "already_exists"));
    }
    app.post("/v1/organisations").by(&carl).json(company).expect(201).await;
    assert_eq!(app.walk_sign_in("carl-client").await.at("/sign_up_required"), false);
}
