//! The transport: one request with all its guards, and the sorting of its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::bucket::{Buckets, Rates};
use super::error::{Failure, Outcome, Refusal, RefusalKind, Unknown, Why};
use super::read;
use super::requests::Post;
use super::types::Object;

/// The version of the API that we speak; the sandbox and the check of its answers follow the same.
pub const API_VERSION: &str = "2026-05-27.dahlia";
/// Answers larger than this are not read.
const BODY_CAP: usize = 8 * 1024 * 1024;

/// Where Stripe is, who we are to it, and how patient we are.
#[derive(Clone, Debug)]
pub struct Config {
    /// `https://api.stripe.com`, or the sandbox's.
    pub api_base: Url,
    /// The secret key.
    pub secret_key: SecretString,
    /// For a whole answer, body included.
    pub timeout: Duration,
    /// For the connection.
    pub connect_timeout: Duration,
    /// A wait for our own limit beyond this is an unknown outcome ([`Why::HeldBack`]).
    pub max_wait: Duration,
    /// Requests a second, in all.
    pub account_rate: u32,
    /// Requests a second, to one endpoint.
    pub endpoint_rate: u32,
}

impl Config {
    /// The usual patience: 10 s for an answer, 3 s for a connection, 5 s for our own limit.
    pub fn new(api_base: Url, secret_key: SecretString) -> Self {
        let rates = Rates::default();
        Self {
            api_base,
            secret_key,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            max_wait: Duration::from_secs(5),
            account_rate: rates.account,
            endpoint_rate: rates.endpoint,
        }
    }
}

/// The key under which a request has at most one effect. One for each command, never shared by two bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(HeaderValue);

impl IdempotencyKey {
    /// A key of 1–255 printable ASCII characters.
    pub fn new(key: &str) -> Option<Self> {
        let fine = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        HeaderValue::from_str(key).ok().filter(|_| fine).map(Self)
    }

    /// The key of a command.
    pub fn of(command: uuid::Uuid) -> Self {
        // Hexadecimal digits and hyphens are always a header value.
        let text = command.hyphenated().to_string();
        Self(HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("0")))
    }
}

/// The Stripe client. Clones share connections and buckets.
#[derive(Clone)]
pub struct Stripe {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    authorization: HeaderValue,
    http: reqwest::Client,
    buckets: Buckets,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("api_base", &self.shared.config.api_base.as_str())
            .finish_non_exhaustive()
    }
}

impl Stripe {
    /// A client for that Stripe.
    ///
    /// # Errors
    /// When the base is not a web address, the key no header value, or the TLS set-up fails.
    pub fn new(config: Config) -> Outcome<Self> {
        let base = &config.api_base;
        let plain = base.query().is_none() && base.fragment().is_none() && base.username().is_empty();
        if !matches!(base.scheme(), "https" | "http") || !base.has_host() || !plain {
            return Err(Failure::Config("the base must be an http(s) URL without query or credentials"));
        }
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", config.secret_key.expose_secret()))
                .map_err(|_| Failure::Config("the secret key cannot be sent"))?;
        authorization.set_sensitive(true);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(redirect::Policy::none())
            // No second sending behind our back, not even of what a server surely did not see.
            .retry(reqwest::retry::never())
            .referer(false);
        if base.scheme() == "http" {
            // The sandbox: no proxy, and no TLS whose certificates would be read.
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let http = builder.build().map_err(|_| {
            Failure::Config(
                "the HTTP client cannot be set up; are the CA certificates of the system installed?",
            )
        })?;
        let buckets = Buckets::new(Rates { account: config.account_rate, endpoint: config.endpoint_rate });
        Ok(Self { shared: Arc::new(Shared { config, authorization, http, buckets }) })
    }

    /// Sends a stored request under its key, once.
    ///
    /// # Errors
    /// Refused or unknown; see [`Failure`].
    pub async fn send<T: DeserializeOwned>(&self, post: &Post<T>, key: &IdempotencyKey) -> Outcome<T> {
        let url = self.url(post.path(), &[])?;
        let request = self
            .shared
            .http
            .request(Method::POST, url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("idempotency-key", key.0.clone())
            .body(post.body().to_owned());
        self.exchange(post.path(), post.account(), request).await
    }

    /// The present state of an object, as the platform or a connected account sees it.
    ///
    /// # Errors
    /// [`RefusalKind::Missing`] when there is none; see [`Failure`].
    pub async fn retrieve<T: Object + DeserializeOwned>(
        &self,
        id: &str,
        account: Option<&str>,
    ) -> Outcome<T> {
        // An id goes into a path: nothing but what Stripe's ids are made of may.
        let fine = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fine {
            return Err(Failure::unreadable("not an id of Stripe's"));
        }
        self.get(&format!("{}/{id}", T::PATH), &[], account).await
    }

    /// The balance of the platform or a connected account.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn balance(&self, account: Option<&str>) -> Outcome<super::Balance> {
        self.get("/v1/balance", &[], account).await
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(String, String)],
        account: Option<&str>,
    ) -> Outcome<T> {
        let url = self.url(path, query)?;
        self.exchange(path, account, self.shared.http.request(Method::GET, url)).await
    }

    fn url(&self, path: &str, query: &[(String, String)]) -> Outcome<Url> {
        let mut url = self.shared.config.api_base.clone();
        if !path.starts_with("/v1/") || path.contains(['?', '#', '%']) || path.contains("..") {
            return Err(Failure::Config("not a path of the API"));
        }
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        path: &str,
        account: Option<&str>,
        request: reqwest::RequestBuilder,
    ) -> Outcome<T> {
        let wait = self
            .shared
            .buckets
            .take(endpoint(path), Instant::now(), self.shared.config.max_wait)
            .map_err(held_back)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let mut request = request
            .header(AUTHORIZATION, self.shared.authorization.clone())
            .header("stripe-version", API_VERSION);
        if let Some(account) = account {
            let account = HeaderValue::from_str(account)
                .map_err(|_| Failure::Config("not the id of a connected account"))?;
            request = request.header(HeaderName::from_static("stripe-account"), account);
        }
        let response = request.send().await.map_err(|error| Failure::transport(&error))?;
        let outcome = sort(response).await;
        if let Err(failure) = &outcome {
            tracing::warn!(path, %failure, "Stripe");
        }
        outcome
    }
}

/// `/v1/transfers/tr_1/reversals` is one endpoint with every other transfer's.
fn endpoint(path: &str) -> &str {
    let name = path.trim_start_matches("/v1/");
    name.split('/').next().unwrap_or(name)
}

fn held_back(wait: Duration) -> Failure {
    Failure::Unknown(Unknown {
        why: Why::HeldBack,
        retry_after: Some(wait),
        replayed: false,
        detail: String::new(),
    })
}

async fn sort<T: DeserializeOwned>(response: Response) -> Outcome<T> {
    let status = response.status();
    let unknown = |why, headers: &HeaderMap| {
        let replayed = headers.get("idempotent-replayed").is_some_and(|value| value == "true");
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        Failure::Unknown(Unknown { why, retry_after, replayed, detail: String::new() })
    };
    match status {
        status if status.is_server_error() => return Err(unknown(Why::ServerError, response.headers())),
        StatusCode::CONFLICT => return Err(unknown(Why::KeyInUse, response.headers())),
        StatusCode::TOO_MANY_REQUESTS => return Err(unknown(Why::TooManyRequests, response.headers())),
        StatusCode::REQUEST_TIMEOUT => return Err(unknown(Why::TimedOut, response.headers())),
        _ => {}
    }
    let body = body(response).await?;
    if status.is_success() {
        let mut reader = serde_json::Deserializer::from_slice(&body);
        return serde_path_to_error::deserialize(&mut reader)
            // The path only: the message may quote a value.
            .map_err(|error| Failure::unreadable(format!("at {}", error.path())));
    }
    if !status.is_client_error() {
        return Err(Failure::unreadable(format!("status {}", status.as_u16())));
    }
    let Some(error) = read::error(&body) else {
        // Something between us and Stripe spoke; Stripe's refusals are objects.
        return Err(Failure::unreadable(format!("status {} without an error object", status.as_u16())));
    };
    if error.kind == "idempotency_error" {
        return Err(Failure::unknown(Why::KeyOfAnother));
    }
    let kind = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RefusalKind::Credentials,
        StatusCode::NOT_FOUND => RefusalKind::Missing,
        _ if error.kind == "card_error" => RefusalKind::Card,
        _ if error.code.as_deref() == Some("resource_missing") => RefusalKind::Missing,
        _ => RefusalKind::Invalid,
    };
    Err(Failure::Refused(Refusal {
        kind,
        status: status.as_u16(),
        code: error.code,
        decline_code: error.decline_code,
        param: error.param,
        message: error.message,
    }))
}

async fn body(mut response: Response) -> Outcome<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::transport(&error))? {
        if body.len().saturating_add(chunk.len()) > BODY_CAP {
            return Err(Failure::unreadable("the answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
