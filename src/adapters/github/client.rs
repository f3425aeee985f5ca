//! The transport: one request with all its guards, and the road from an answer to a value or an error.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assay_kernel::{Clock, Entropy};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LINK, LOCATION,
};
use reqwest::{Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::api::Api;
use super::error::GithubError;
use super::limits::{self, Caller, Limits, Resource};
use super::pages;

/// The version of the REST API whose description we follow.
const API_VERSION: &str = "2022-11-28";
/// Answers larger than this are refused.
pub(super) const BODY_CAP: usize = 5 * 1024 * 1024;
/// How often a GET is sent before we give up.
const TRIES: u32 = 3;
/// Redirects followed inside the API.
const REDIRECTS: u32 = 3;

/// Where GitHub is, who we are to it, and how patient we are.
#[derive(Clone, Debug)]
pub struct Config {
    /// Base of the REST API: `https://api.github.com`, or the sandbox's.
    pub api_base: Url,
    /// Base of the pages where people sign in: `https://github.com`, or the sandbox's.
    pub web_base: Url,
    /// The OAuth application's client id.
    pub client_id: String,
    /// The OAuth application's secret.
    pub client_secret: SecretString,
    /// `User-Agent`, which GitHub demands.
    pub user_agent: String,
    /// For a whole answer, body included.
    pub timeout: Duration,
    /// For the connection.
    pub connect_timeout: Duration,
    /// A rate limit that ends within this is waited for; a longer one is an error.
    pub max_wait: Duration,
    /// The pause before the second try; it doubles for the third, plus or minus a half by chance.
    pub retry_pause: Duration,
}

impl Config {
    /// The usual patience: 10 s for an answer, 3 s for a connection, 2 s for a rate limit.
    pub fn new(
        api_base: Url,
        web_base: Url,
        client_id: impl Into<String>,
        client_secret: SecretString,
    ) -> Self {
        Self {
            api_base,
            web_base,
            client_id: client_id.into(),
            client_secret,
            user_agent: concat!("assay/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            max_wait: Duration::from_secs(2),
            retry_pause: Duration::from_millis(200),
        }
    }
}

/// The answer to a conditional request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched<T> {
    /// The `ETag` given still holds.
    NotModified,
    /// What it is now, with the `ETag` for the next time.
    New {
        /// The value.
        value: T,
        /// The validator, when GitHub gave one.
        etag: Option<String>,
    },
}

impl<T> Fetched<T> {
    /// The value, unless it has not changed.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::NotModified => None,
            Self::New { value, .. } => Some(value),
        }
    }
}

/// The GitHub client. Clones share connections and the memory of rate limits.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub config: Config,
    pub http: reqwest::Client,
    pub clock: Clock,
    pub entropy: Entropy,
    pub limits: Limits,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("github::Client").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

/// One GET.
pub(super) struct Get<'a> {
    pub url: Url,
    pub token: Option<&'a SecretString>,
    pub caller: Caller,
    pub resource: Resource,
    pub etag: Option<&'a str>,
    /// The operation, for errors.
    pub what: &'static str,
}

/// What came back.
pub(super) enum Reply {
    NotModified,
    /// 204: there is nothing.
    Empty,
    Body {
        body: Vec<u8>,
        etag: Option<String>,
        next: Option<Url>,
    },
}

enum Attempt {
    Done(Reply),
    Limited(chrono::DateTime<chrono::Utc>),
    Again(GithubError, Option<Duration>),
    Failed(GithubError),
}

impl Client {
    /// A client for that GitHub.
    ///
    /// # Errors
    /// When a base is not a web address or the TLS set-up fails.
    pub fn new(config: Config, clock: Clock, entropy: Entropy) -> Result<Self, GithubError> {
        for base in [&config.api_base, &config.web_base] {
            let plain = base.query().is_none() && base.fragment().is_none() && base.username().is_empty();
            if !matches!(base.scheme(), "https" | "http") || !base.has_host() || !plain {
                return Err(GithubError::Config(
                    "a base must be an http(s) URL without query or credentials",
                ));
            }
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(config.user_agent.as_str())
            .timeout(config.timeout)
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(redirect::Policy::none())
            .referer(false);
        if [&config.api_base, &config.web_base].into_iter().all(is_loopback) {
            builder = builder.no_proxy();
        }
        if [&config.api_base, &config.web_base].into_iter().all(|base| base.scheme() == "http") {
            // No TLS, so the system's certificates need not be read.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|_| {
            GithubError::Config(
                "the HTTP client cannot be set up; are the CA certificates of the system installed?",
            )
        })?;
        Ok(Self { shared: Arc::new(Shared { config, http, clock, entropy, limits: Limits::default() }) })
    }

    /// Reads as the person whose token this is.
    pub fn signed_in(&self, token: &SecretString) -> Api {
        Api::new(self.clone(), Some(token.clone()))
    }

    /// Reads what everybody may, at GitHub's low limit for strangers.
    pub fn anonymous(&self) -> Api {
        Api::new(self.clone(), None)
    }

    /// A URL of the API; segments are percent-encoded, so that none can leave its place.
    pub(super) fn api_url(&self, segments: &[&str]) -> Url {
        let mut url = self.shared.config.api_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// May this URL, given by an answer, be asked? Only inside the configured API.
    pub(super) fn is_inside(&self, url: &Url) -> bool {
        let base = &self.shared.config.api_base;
        let root = base.path().trim_end_matches('/');
        let below = url.path().strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        url.origin() == base.origin() && url.username().is_empty() && url.password().is_none() && below
    }

    /// Sends a GET, with retries, within the limits.
    pub(super) async fn get(&self, get: &Get<'_>) -> Result<Reply, GithubError> {
        let mut attempt = 1;
        loop {
            self.wait_for_limit(get).await?;
            match self.attempt(get).await {
                Attempt::Done(reply) => return Ok(reply),
                Attempt::Failed(error) => return Err(error),
                Attempt::Limited(until) => {
                    let now = self.shared.clock.now();
                    tracing::warn!(what = get.what, %until, resource = ?get.resource, "GitHub rate limit");
                    self.shared.limits.remember(get.caller, get.resource, until, now);
                    if attempt >= TRIES {
                        return Err(self.rate_limited(until));
                    }
                }
                Attempt::Again(error, wait) => {
                    let wait = wait.unwrap_or_else(|| self.pause(attempt));
                    if attempt >= TRIES || wait > self.shared.config.max_wait {
                        tracing::warn!(what = get.what, %error, attempt, "GitHub not available");
                        return Err(error);
                    }
                    tokio::time::sleep(wait).await;
                }
            }
            attempt += 1;
        }
    }

    /// Waits out a short remembered limit; refuses on a long one without asking GitHub.
    async fn wait_for_limit(&self, get: &Get<'_>) -> Result<(), GithubError> {
        let now = self.shared.clock.now();
        let Some(until) = self.shared.limits.blocked_until(get.caller, get.resource, now) else {
            return Ok(());
        };
        let wait = (until - now).to_std().unwrap_or_default();
        if wait > self.shared.config.max_wait {
            return Err(self.rate_limited(until));
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn rate_limited(&self, retry_at: chrono::DateTime<chrono::Utc>) -> GithubError {
        let retry_after = (retry_at - self.shared.clock.now()).to_std().unwrap_or_default();
        GithubError::RateLimited { retry_at, retry_after }
    }

    /// The pause after that attempt: doubling, half to one and a half of it.
    fn pause(&self, attempt: u32) -> Duration {
        let base = self.shared.config.retry_pause.saturating_mul(1 << attempt.saturating_sub(1).min(6));
        let chance = u32::from(u16::from_le_bytes(self.shared.entropy.bytes()));
        base.saturating_mul(chance.saturating_add(32_768)) / 65_536
    }

    async fn attempt(&self, get: &Get<'_>) -> Attempt {
        let mut url = get.url.clone();
        for _ in 0..=REDIRECTS {
            let response = match self.send(get, url.clone()).await {
                Ok(response) => response,
                Err(error) => return Attempt::Again(error, None),
            };
            if !is_redirect(response.status()) {
                return self.read(get, response).await;
            }
            let target =
                header(response.headers(), LOCATION.as_str()).and_then(|target| url.join(target).ok());
            match target {
                Some(target) if self.is_inside(&target) => url = target,
                _ => return Attempt::Failed(GithubError::malformed(get.what, "a redirect out of the API")),
            }
        }
        Attempt::Failed(GithubError::malformed(get.what, "too many redirects"))
    }

    async fn send(&self, get: &Get<'_>, url: Url) -> Result<Response, GithubError> {
        let mut request = self
            .shared
            .http
            .get(url)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION);
        if let Some(token) = get.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| GithubError::Unauthorized)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(etag) = get.etag {
            let value = HeaderValue::try_from(etag).map_err(|_| GithubError::Config("not an ETag"))?;
            request = request.header(IF_NONE_MATCH, value);
        }
        request.send().await.map_err(GithubError::transport)
    }

    async fn read(&self, get: &Get<'_>, response: Response) -> Attempt {
        let status = response.status();
        let now = self.shared.clock.now();
        if let Some(until) = limits::limited(status, response.headers(), now) {
            return Attempt::Limited(until);
        }
        if let Some(until) = limits::used_up(response.headers(), now) {
            self.shared.limits.remember(get.caller, get.resource, until, now);
        }
        let what = get.what;
        match status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Attempt::Done(Reply::Empty),
            StatusCode::NOT_MODIFIED if get.etag.is_some() => return Attempt::Done(Reply::NotModified),
            StatusCode::UNAUTHORIZED => return Attempt::Failed(GithubError::Unauthorized),
            StatusCode::FORBIDDEN => return self.forbidden(get, response).await,
            // 422 is what search says of an author who does not exist.
            StatusCode::NOT_FOUND
            | StatusCode::GONE
            | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS
            | StatusCode::UNPROCESSABLE_ENTITY => return Attempt::Failed(GithubError::NotFound { what }),
            status if status.is_server_error() => {
                let wait = limits::retry_after(response.headers());
                return Attempt::Again(
                    GithubError::Unavailable { reason: "it answered with 5xx", source: None },
                    wait,
                );
            }
            status => {
                return Attempt::Failed(GithubError::malformed(what, format!("status {}", status.as_u16())));
            }
        }
        let etag = header(response.headers(), ETAG.as_str()).filter(|etag| is_etag(etag)).map(str::to_owned);
        let next = header(response.headers(), LINK.as_str()).and_then(pages::next_link);
        let next = match next {
            None => None,
            Some(next) => match Url::parse(next) {
                Ok(next) if self.is_inside(&next) => Some(next),
                _ => return Attempt::Failed(GithubError::malformed(what, "a Link out of the API")),
            },
        };
        match body(response, what).await {
            Ok(body) => Attempt::Done(Reply::Body { body, etag, next }),
            Err(error @ GithubError::Unavailable { .. }) => Attempt::Again(error, None),
            Err(error) => Attempt::Failed(error),
        }
    }

    /// A secondary limit may come as a bare 403 that only its message tells from a real refusal.
    async fn forbidden(&self, get: &Get<'_>, response: Response) -> Attempt {
        let text = body(response, get.what).await.unwrap_or_default();
        let message = String::from_utf8_lossy(&text).to_ascii_lowercase();
        if message.contains("secondary rate limit") || message.contains("abuse detection") {
            return Attempt::Limited(limits::unnamed(self.shared.clock.now()));
        }
        Attempt::Failed(GithubError::Forbidden { what: get.what })
    }
}

/// Parses a body, saying where it is wrong but never with what.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], what: &'static str) -> Result<T, GithubError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path: String = error.path().to_string().chars().filter(char::is_ascii_graphic).take(80).collect();
        let kind = match error.inner().classify() {
            serde_json::error::Category::Data => "unexpected value",
            _ => "not JSON",
        };
        GithubError::malformed(what, format!("{kind} at {path}"))
    })?;
    json.end().map_err(|_| GithubError::malformed(what, "something after the JSON"))?;
    Ok(value)
}

/// Reads a JSON body in chunks, up to the cap.
pub(super) async fn body(mut response: Response, what: &'static str) -> Result<Vec<u8>, GithubError> {
    let content_type = header(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return Err(GithubError::malformed(what, "not application/json"));
    }
    let too_large = || GithubError::malformed(what, "larger than 5 MiB");
    let announced = response.content_length().map_or(Some(0), |length| usize::try_from(length).ok());
    let Some(announced @ ..=BODY_CAP) = announced else { return Err(too_large()) };
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(GithubError::transport)? {
        if body.len().saturating_add(chunk.len()) > BODY_CAP {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

/// RFC 9110 §8.8.3, and no longer than anybody needs.
pub(super) fn is_etag(etag: &str) -> bool {
    let opaque = etag.strip_prefix("W/").unwrap_or(etag);
    etag.len() <= 200
        && opaque.len() >= 2
        && opaque.starts_with('"')
        && opaque.ends_with('"')
        && opaque[1..opaque.len() - 1].bytes().all(|b| b.is_ascii_graphic() && b != b'"')
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
