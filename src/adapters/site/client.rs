//! The guarded client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::address::is_public;

/// Longer bodies are refused.
const BODY_CAP: usize = 64 * 1024;
/// Redirects followed.
const REDIRECTS: u32 = 3;
/// For each hop: names, connection and body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why nothing was fetched. Safe to show to whoever gave the address: it tells nothing about the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Not an address that may be asked.
    #[error("the address must be https on the standard port, with a host name and no credentials")]
    Address,
    /// The name leads nowhere, or not to the public Internet.
    #[error("the host name does not lead to a public address")]
    Host,
    /// No connection, or no answer in time.
    #[error("the site does not answer")]
    Unreachable,
    /// An answer other than 200.
    #[error("the site answered with status {0}")]
    Status(u16),
    /// Sent elsewhere too often, or to an address that may not be asked.
    #[error("the site redirects too often")]
    Redirects,
    /// The body is too large or no text.
    #[error("the answer is not a text of 64 KiB at most")]
    Body,
}

/// Fetches texts from addresses that people give.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// `host:port` of sites that may be anywhere and speak `http`.
    trusted: Arc<[String]>,
}

impl Client {
    /// With `host:port` of sites of the sandbox; none in production.
    pub fn new(trusted: &[String]) -> Self {
        Self { trusted: trusted.iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// May this address be asked at all?
    ///
    /// # Errors
    /// [`SiteError::Address`].
    pub fn check(&self, url: &Url) -> Result<(), SiteError> {
        let plain = url.username().is_empty() && url.password().is_none();
        let public = url.scheme() == "https"
            && url.port_or_known_default() == Some(443)
            && matches!(url.host(), Some(Host::Domain(name)) if name.trim_end_matches('.').contains('.'));
        if plain && (public || self.is_trusted(url)) { Ok(()) } else { Err(SiteError::Address) }
    }

    fn is_trusted(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
        let place = format!("{host}:{port}");
        matches!(url.scheme(), "http" | "https") && self.trusted.contains(&place)
    }

    /// The text at an address.
    ///
    /// # Errors
    /// See [`SiteError`].
    pub async fn text(&self, url: &Url) -> Result<String, SiteError> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let hop = tokio::time::timeout(TIMEOUT, self.hop(&url));
            match hop.await.map_err(|_late| SiteError::Unreachable)?? {
                Hop::Text(text) => return Ok(text),
                Hop::Elsewhere(target) => url = target,
            }
        }
        Err(SiteError::Redirects)
    }

    async fn hop(&self, url: &Url) -> Result<Hop, SiteError> {
        self.check(url)?;
        let addresses = self.resolve(url).await?;
        let host = url.host_str().ok_or(SiteError::Address)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION"), " (challenge)"))
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(Duration::from_secs(3))
            .timeout(TIMEOUT)
            .resolve_to_addrs(host, &addresses);
        if url.scheme() == "http" {
            // No TLS, so the system's certificates need not be read.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|_| SiteError::Unreachable)?;
        let request = client.get(url.clone()).header(ACCEPT, "text/plain, */*;q=0.1");
        let mut response = request.send().await.map_err(|_| SiteError::Unreachable)?;
        let status = response.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
            let target = target.and_then(|target| url.join(target).ok()).ok_or(SiteError::Redirects)?;
            return Ok(Hop::Elsewhere(target));
        }
        if status != StatusCode::OK {
            return Err(SiteError::Status(status.as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| SiteError::Unreachable)? {
            if body.len().saturating_add(chunk.len()) > BODY_CAP {
                return Err(SiteError::Body);
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map(Hop::Text).map_err(|_| SiteError::Body)
    }

    /// Every address of the host, all of them public: one that is not makes the name suspect.
    async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, SiteError> {
        let port = url.port_or_known_default().ok_or(SiteError::Address)?;
        let addresses: Vec<SocketAddr> = match url.host().ok_or(SiteError::Address)? {
            Host::Domain(name) => {
                tokio::net::lookup_host((name, port)).await.map_err(|_| SiteError::Host)?.collect()
            }
            Host::Ipv4(address) => vec![(IpAddr::V4(address), port).into()],
            Host::Ipv6(address) => vec![(IpAddr::V6(address), port).into()],
        };
        let all_public = addresses.iter().all(|address| is_public(address.ip()));
        if addresses.is_empty() || !(all_public || self.is_trusted(url)) {
            return Err(SiteError::Host);
        }
        Ok(addresses)
    }
}

enum Hop {
    Text(String),
    Elsewhere(Url),
}
