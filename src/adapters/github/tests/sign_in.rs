use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::{CALLBACK, Stage};
use crate::github::sandbox::{Options, Server, personas};
use crate::github::{Client, Fetched, GithubError, Refusal, primary_verified};
use assay_kernel::{Clock, Code, Entropy, Error};

fn refusal(result: Result<impl std::fmt::Debug, GithubError>) -> Refusal {
    match result.unwrap_err() {
        GithubError::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_persona_signs_in() {
    let stage = Stage::new();
    for persona in personas() {
        let token = stage.sign_in(persona.login).await;
        assert_eq!(token.scopes, ["read:user", "user:email"]);
        let api = stage.client.signed_in(&token.token);
        let user = api.user(None).await.unwrap().into_value().unwrap();
        assert_eq!((user.id, user.login.as_str()), (persona.id, persona.login));
        let emails = api.emails().await.unwrap();
        assert_eq!(primary_verified(&emails).is_some(), persona.login != "no-mail-nina", "{}", persona.login);
        for org in api.orgs(None).await.unwrap().into_value().unwrap().items {
            assert!(org.id > 0);
        }
    }
}

#[test]
fn the_sandbox_needs_no_runtime() {
    let options = Options::new(Clock::system(), Entropy::system(), "id", SecretString::from("secret"));
    let server = Server::bind("127.0.0.1", 0, options).unwrap();
    let config = server.client_config();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(config, Clock::system(), Entropy::system()).unwrap();
        assert!(client.anonymous().user_by_login("dev-dora", None).await.is_ok());
        let address = server.address();
        server.stop().await;
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    });
}

#[tokio::test]
async fn the_authorize_url_asks_for_what_we_need() {
    let stage = Stage::new();
    let pkce = stage.client.new_pkce();
    assert_eq!((pkce.challenge.len(), pkce.verifier.expose_secret().len()), (43, 43));
    let url = stage.client.authorize_url(&Url::parse(CALLBACK).unwrap(), "s", &pkce.challenge).unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], "sandbox-client");
    assert_eq!(query["redirect_uri"], CALLBACK);
    assert_eq!(query["scope"], "read:user user:email");
    assert_eq!(query["code_challenge"], pkce.challenge);
    assert_eq!(query["code_challenge_method"], "S256");
    assert!(!url.as_str().contains("secret"));
    let page = stage.http.get(url).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let html = page.text().await.unwrap();
    for persona in personas() {
        assert!(html.contains(persona.login), "{}", persona.login);
    }
    assert!(html.contains("rita-before"));
}

#[tokio::test]
async fn a_code_works_once_with_its_verifier_in_time() {
    let stage = Stage::new();
    let callback = Url::parse(CALLBACK).unwrap();
    let pkce = stage.client.new_pkce();
    let mut url = stage.client.authorize_url(&callback, "s", &pkce.challenge).unwrap();
    url.query_pairs_mut().append_pair("login", "dev-dora");

    let code = stage.browse(&url).await["code"].clone();
    stage.client.exchange_code(&code, &pkce.verifier, &callback).await.unwrap();
    let again = stage.client.exchange_code(&code, &pkce.verifier, &callback).await;
    assert_eq!(refusal(again), Refusal::BadVerificationCode);

    let code = stage.browse(&url).await["code"].clone();
    let other = stage.client.new_pkce().verifier;
    let wrong = stage.client.exchange_code(&code, &other, &callback).await;
    assert_eq!(refusal(wrong), Refusal::BadVerificationCode);
    let burnt = stage.client.exchange_code(&code, &pkce.verifier, &callback).await;
    assert_eq!(refusal(burnt), Refusal::BadVerificationCode);

    let code = stage.browse(&url).await["code"].clone();
    let elsewhere = Url::parse("http://127.0.0.1:9/elsewhere").unwrap();
    let moved = stage.client.exchange_code(&code, &pkce.verifier, &elsewhere).await;
    assert_eq!(refusal(moved), Refusal::RedirectUriMismatch);

    let code = stage.browse(&url).await["code"].clone();
    stage.clock.advance(std::time::Duration::from_secs(601));
    let late = stage.client.exchange_code(&code, &pkce.verifier, &callback).await;
    assert_eq!(refusal(late), Refusal::BadVerificationCode);

    let nonsense = stage.client.exchange_code("a b\n", &pkce.verifier, &callback).await;
    assert_eq!(refusal(nonsense), Refusal::BadVerificationCode);
}

#[tokio::test]
async fn declining_and_wrong_credentials_are_told_apart() {
    let stage = Stage::with(|config| config.client_secret = SecretString::from("wrong"));
    let callback = Url::parse(CALLBACK).unwrap();
    let pkce = stage.client.new_pkce();
    let url = stage.client.authorize_url(&callback, "s", &pkce.challenge).unwrap();

    let mut deny = url.clone();
    deny.query_pairs_mut().append_pair("deny", "1");
    let query = stage.browse(&deny).await;
    assert_eq!((query["error"].as_str(), query["state"].as_str()), ("access_denied", "s"));
    let error = Error::from(GithubError::Refused(Refusal::parse(&query["error"])));
    assert_eq!(error.code(), Code::SignInFailed);

    let mut choose = url;
    choose.query_pairs_mut().append_pair("login", "dev-dora");
    let code = stage.browse(&choose).await["code"].clone();
    let wrong = stage.client.exchange_code(&code, &pkce.verifier, &callback).await;
    let error = wrong.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&code) && !shown.contains("wrong"), "{shown}");
    assert!(matches!(error, GithubError::Refused(Refusal::IncorrectClientCredentials)));
    assert_eq!(Error::from(error).code(), Code::ProviderUnavailable);
}

#[tokio::test]
async fn the_token_page_may_misbehave() {
    let stage = Stage::new();
    let callback = Url::parse(CALLBACK).unwrap();
    let verifier = stage.client.new_pkce().verifier;
    let path = "/login/oauth/access_token";
    for body in ["{}", "[]", "null", "<html>", r#"{"access_token":"gho_stolen","token_type":3}"#] {
        stage.fault(json!({ "kind": "malformed", "path_prefix": path, "body": body })).await;
        let error = stage.client.exchange_code("code", &verifier, &callback).await.unwrap_err();
        assert!(matches!(error, GithubError::Malformed { .. }), "{body}: {error:?}");
        assert!(!format!("{error:?}").contains("gho_"));
    }
    stage.fault(json!({ "kind": "server_error", "path_prefix": path })).await;
    let error = stage.client.exchange_code("code", &verifier, &callback).await.unwrap_err();
    assert!(matches!(error, GithubError::Unavailable { .. }), "{error:?}");
    assert_eq!(stage.asked("POST /login/oauth/access_token").await, 6, "a code is never sent twice");
}

#[tokio::test]
async fn a_changed_login_keeps_its_number() {
    let stage = Stage::new();
    let before = stage.api("rita-before").await.user(None).await.unwrap().into_value().unwrap();
    let after = stage.api("renamed-rita").await.user(None).await.unwrap().into_value().unwrap();
    assert_eq!((before.login.as_str(), after.login.as_str()), ("rita-before", "renamed-rita"));
    assert_eq!(before.id, after.id);
    let api = stage.client.anonymous();
    let found = api.user_by_login("rita-before", None).await.unwrap().into_value().unwrap();
    assert_eq!((found.id, found.login.as_str()), (after.id, "renamed-rita"));
    let repo = api.repo("rita-before", "offline-first", None).await.unwrap().into_value().unwrap();
    assert_eq!(repo.full_name, "renamed-rita/offline-first");
    let repos = api.repos("rita-before", None).await.unwrap().into_value().unwrap();
    assert_eq!(repos.items.len(), 9);
}

#[tokio::test]
async fn a_revoked_or_foreign_token_is_refused() {
    let stage = Stage::new();
    let token = stage.sign_in("dev-dora").await.token;
    assert!(matches!(stage.client.signed_in(&token).user(None).await, Ok(Fetched::New { .. })));

    // A sandbox with the same secret knows the token, as after a restart; one with another does not.
    for (secret, known) in [("sandbox-secret", true), ("another", false)] {
        let options =
            Options::new(Clock::system(), Entropy::system(), "sandbox-client", SecretString::from(secret));
        let server = Server::bind("127.0.0.1", 0, options).unwrap();
        let client = Client::new(server.client_config(), Clock::system(), Entropy::system()).unwrap();
        assert_eq!(client.signed_in(&token).user(None).await.is_ok(), known);
    }

    let url = stage.server.base_url().join("/_sandbox/revoke").unwrap();
    let id = json!({ "id": 101_000_009 });
    assert_eq!(stage.http.post(url).json(&id).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let error = stage.client.signed_in(&token).user(None).await.unwrap_err();
    assert!(matches!(error, GithubError::Unauthorized));
    let nonsense = SecretString::from("gho_zz");
    assert!(matches!(stage.client.signed_in(&nonsense).user(None).await, Err(GithubError::Unauthorized)));
    let broken = SecretString::from("a\nb");
    assert!(matches!(stage.client.signed_in(&broken).user(None).await, Err(GithubError::Unauthorized)));
}

#[tokio::test]
async fn a_registered_callback_is_enforced() {
    let mut options = Options::new(
        Clock::system(),
        Entropy::system(),
        "sandbox-client",
        SecretString::from("sandbox-secret"),
    );
    options.callback = Some(Url::parse(CALLBACK).unwrap());
    let server = Server::bind("127.0.0.1", 0, options).unwrap();
    let stage = Stage::new();
    let client = Client::new(server.client_config(), Clock::system(), Entropy::system()).unwrap();
    let evil = Url::parse("http://127.0.0.1:9.evil.example/v1/auth/github/callback");
    assert!(evil.is_err());
    for (target, fine) in [
        (CALLBACK.to_owned(), true),
        (format!("{CALLBACK}/more"), true),
        (format!("{CALLBACK}more"), false),
        ("http://127.0.0.1:10/v1/auth/github/callback".to_owned(), false),
        ("https://evil.example/".to_owned(), false),
    ] {
        let mut url =
            client.authorize_url(&Url::parse(&target).unwrap(), "s", &client.new_pkce().challenge).unwrap();
        url.query_pairs_mut().append_pair("login", "dev-dora");
        let query = stage.browse(&url).await;
        assert_eq!(query.contains_key("code"), fine, "{target}");
        assert_eq!(!query.contains_key("error"), fine, "{target}");
    }
    let mut unknown = client.authorize_url(&Url::parse(CALLBACK).unwrap(), "s", "c").unwrap();
    unknown.set_query(Some("client_id=somebody&redirect_uri=https://evil.example/&login=dev-dora"));
    assert_eq!(stage.http.get(unknown).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_escapes_what_it_is_given() {
    let stage = Stage::new();
    let mut url = stage.server.base_url().join("/login/oauth/authorize").unwrap();
    url.set_query(Some(
        "client_id=sandbox-client&redirect_uri=https://a.example/&state=\"><script>alert(1)</script>",
    ));
    let html = stage.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(!html.contains("<script") && html.contains("state=%22%3E"), "{html}");
}
