//! The client and the sandbox against each other, over real sockets; each test has a sandbox of its own.

mod description;
mod hostile;
mod limits;
mod lists;
mod schema;
mod sign_in;
mod stand_in;

use std::collections::HashMap;
use std::time::Duration;

use assay_kernel::{Clock, Entropy};
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::sandbox::{Options, Server};
use super::{AccessToken, Api, Client, Config};

const CALLBACK: &str = "http://127.0.0.1:9/v1/auth/github/callback";

/// A sandbox with a client.
struct Stage {
    clock: Clock,
    server: Server,
    client: Client,
    http: reqwest::Client,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// Quick retries, short waits: tests have no patience.
    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::system();
        let secret = SecretString::from("sandbox-secret");
        let options = Options::new(clock.clone(), Entropy::system(), "sandbox-client", secret);
        let server = Server::bind("127.0.0.1", 0, options).unwrap();
        let mut config = server.client_config();
        config.retry_pause = Duration::from_millis(5);
        change(&mut config);
        let client = Client::new(config, clock.clone(), Entropy::seeded(7)).unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { clock, server, client, http }
    }

    /// What the browser brings back: the query of the callback.
    async fn browse(&self, url: &Url) -> HashMap<String, String> {
        let answer = self.http.get(url.clone()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
        let target = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        target.query_pairs().into_owned().collect()
    }

    async fn sign_in(&self, login: &str) -> AccessToken {
        let callback = Url::parse(CALLBACK).unwrap();
        let pkce = self.client.new_pkce();
        let mut url = self.client.authorize_url(&callback, "one-time", &pkce.challenge).unwrap();
        url.query_pairs_mut().append_pair("login", login);
        let query = self.browse(&url).await;
        assert_eq!(query["state"], "one-time");
        self.client.exchange_code(&query["code"], &pkce.verifier, &callback).await.unwrap()
    }

    /// A token with just these scopes.
    async fn sign_in_with(&self, login: &str, scope: &str) -> String {
        let mut url = self.server.base_url().join("/login/oauth/authorize").unwrap();
        url.query_pairs_mut().extend_pairs([
            ("client_id", "sandbox-client"),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
            ("login", login),
        ]);
        let code = self.browse(&url).await["code"].clone();
        let form = [("client_id", "sandbox-client"), ("client_secret", "sandbox-secret"), ("code", &code)];
        let page = self.server.base_url().join("/login/oauth/access_token").unwrap();
        let answer =
            self.http.post(page).header("accept", "application/json").form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn api(&self, login: &str) -> Api {
        self.client.signed_in(&self.sign_in(login).await.token)
    }

    async fn fault(&self, fault: Value) {
        let url = self.server.base_url().join("/_sandbox/faults").unwrap();
        let answer = self.http.post(url).json(&fault).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    /// The next `/api/user` answers with this body.
    async fn answers(&self, path: &str, body: Value) {
        self.fault(json!({ "kind": "malformed", "path_prefix": path, "body": body.to_string() })).await;
    }

    /// How often a path was asked for.
    async fn asked(&self, path: &str) -> u64 {
        let url = self.server.base_url().join("/_sandbox/requests").unwrap();
        let seen: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        seen["by_path"][path].as_u64().unwrap_or(0)
    }
}
