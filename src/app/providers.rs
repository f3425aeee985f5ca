//! The clients of the world outside, and the sandboxes that stand for it.

use assay_adapters::github::{self, sandbox};
use assay_adapters::mail::Mailer;
use assay_adapters::site;
use assay_platform::config::Config;
use assay_platform::crypto::base64url;
use secrecy::SecretString;
use url::Url;

use super::boot::{Failure, Origins, Outcome};

/// The client id that the sandbox GitHub knows.
const SANDBOX_CLIENT: &str = "assay-sandbox";

/// The clients.
#[derive(Clone)]
pub struct Providers {
    /// GitHub, or its sandbox.
    pub github: github::Client,
    /// Where people look at what is at GitHub.
    pub github_web: Url,
    /// Fetches files from sites that people name.
    pub sites: site::Client,
    /// Mail, or the folder that stands for it.
    pub mailer: Mailer,
    /// Where the sandbox GitHub is, when that is what the client talks to.
    pub sandbox_github: Option<String>,
}

impl Providers {
    /// Clients as configured; with a sandbox, the client leads there.
    ///
    /// # Errors
    /// When a configured URL or secret cannot be used.
    pub fn new(config: &Config, origins: &Origins, sandbox: Option<&sandbox::Server>) -> Outcome<Self> {
        let github_config = match sandbox {
            Some(server) => server.client_config(),
            None => {
                let base = |key: &str, text: &str| {
                    Url::parse(text).map_err(|error| Failure(format!("{key} is no URL: {error}")))
                };
                github::Config::new(
                    base("github.api_base", &config.github.api_base)?,
                    base("github.web_base", &config.github.web_base)?,
                    config.github.client_id.clone(),
                    config.github.client_secret.clone(),
                )
            }
        };
        let github_web = github_config.web_base.clone();
        let github = github::Client::new(github_config, origins.clock.clone(), origins.entropy.clone())
            .map_err(|error| Failure(format!("the GitHub client cannot be made: {error}")))?;
        let sandbox_github =
            sandbox.map(|server| server.base_url().as_str().trim_end_matches('/').to_owned());
        let sites = site::Client::new(&config.sites.trusted);
        Ok(Self { github, github_web, sites, mailer: assay_notifications::mailer(config)?, sandbox_github })
    }
}

/// The sandbox GitHub, where no credentials are given; on the configured port, or on a free one when that is taken.
///
/// # Errors
/// When it cannot be started.
pub fn sandbox_github(config: &Config, origins: &Origins) -> Outcome<Option<sandbox::Server>> {
    if !config.sandbox_github() {
        return Ok(None);
    }
    // Made of the service's keys, so that tokens of the sandbox outlive a restart.
    let secret = base64url(&origins.keys.sign("sandbox-github-client-secret", b"")?);
    let options = || sandbox::Options {
        profiles: config.github.sandbox_profiles,
        ..sandbox::Options::new(
            origins.clock.clone(),
            origins.entropy.clone(),
            SANDBOX_CLIENT,
            SecretString::from(secret.clone()),
        )
    };
    let host = if config.server.host == "0.0.0.0" { "127.0.0.1" } else { &config.server.host };
    let server = sandbox::Server::bind(host, config.github.sandbox_port, options())
        .or_else(|_taken| sandbox::Server::bind(host, 0, options()))
        .map_err(|error| Failure(format!("the sandbox GitHub cannot be started: {error}")))?;
    Ok(Some(server))
}
