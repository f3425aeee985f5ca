//! The clients of the world outside, and the sandboxes that stand for it.

use assay_adapters::github::{self, sandbox};
use assay_adapters::mail::Mailer;
use assay_adapters::site;
use assay_adapters::stripe::{self, Stripe};
use assay_payments::WebhookSecrets;
use assay_platform::config::Config;
use assay_platform::crypto::base64url;
use secrecy::SecretString;
use url::Url;

use super::boot::{Failure, Origins, Outcome};

/// The client id that the sandbox GitHub knows.
const SANDBOX_CLIENT: &str = "assay-sandbox";

/// The sandboxes that this process runs; dropping them stops them.
#[derive(Debug)]
pub struct Sandboxes {
    /// The sandbox GitHub, when there are no credentials.
    pub github: Option<sandbox::Server>,
    /// The sandbox Stripe, when there is no key, and this process serves.
    pub stripe: Option<stripe::sandbox::Server>,
}

impl Sandboxes {
    /// For a service.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn start(config: &Config, origins: &Origins) -> Outcome<Self> {
        Ok(Self { github: sandbox_github(config, origins)?, stripe: sandbox_stripe(config, origins)? })
    }

    /// For a worker on its own: its sandbox GitHub speaks for the same invented people, but the money is at the
    /// sandbox Stripe of the service, on the configured port.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn beside_a_service(config: &Config, origins: &Origins) -> Outcome<Self> {
        Ok(Self { github: sandbox_github(config, origins)?, stripe: None })
    }

    /// Stops them.
    pub async fn stop(self) {
        if let Some(server) = self.github {
            server.stop().await;
        }
        if let Some(server) = self.stripe {
            server.stop().await;
        }
    }
}

/// The clients.
#[derive(Clone)]
pub struct Providers {
    /// GitHub, or its sandbox.
    pub github: github::Client,
    /// Where people look at what is at GitHub.
    pub github_web: Url,
    /// Stripe, or its sandbox.
    pub stripe: Stripe,
    /// What Stripe's webhooks are signed with.
    pub stripe_webhooks: WebhookSecrets,
    /// Where the sandbox Stripe is, when that is what the client talks to.
    pub sandbox_stripe: Option<String>,
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
    pub fn new(config: &Config, origins: &Origins, sandboxes: &Sandboxes) -> Outcome<Self> {
        let base = |key: &str, text: &str| {
            Url::parse(text).map_err(|error| Failure(format!("{key} is no URL: {error}")))
        };
        let github_config = match &sandboxes.github {
            Some(server) => server.client_config(),
            None => github::Config::new(
                base("github.api_base", &config.github.api_base)?,
                base("github.web_base", &config.github.web_base)?,
                config.github.client_id.clone(),
                config.github.client_secret.clone(),
            ),
        };
        let github_web = github_config.web_base.clone();
        let github = github::Client::new(github_config, origins.clock.clone(), origins.entropy.clone())
            .map_err(|error| Failure(format!("the GitHub client cannot be made: {error}")))?;
        let sandbox_github = sandboxes
            .github
            .as_ref()
            .map(|server| server.base_url().as_str().trim_end_matches('/').to_owned());
        let stripe_config = match &sandboxes.stripe {
            Some(server) => server.client_config(),
            None if config.sandbox_stripe() => {
                let at = format!("http://{}:{}", sandbox_host(config), config.stripe.sandbox_port);
                stripe::Config::new(base("stripe.sandbox_port", &at)?, sandbox_secret(origins, "key")?)
            }
            None => stripe::Config::new(
                base("stripe.api_base", &config.stripe.api_base)?,
                config.stripe.secret_key.clone(),
            ),
        };
        let at_sandbox = stripe_config.api_base.as_str().trim_end_matches('/').to_owned();
        let stripe = Stripe::new(stripe_config)
            .map_err(|error| Failure(format!("the Stripe client cannot be made: {error}")))?;
        let sites = site::Client::new(&config.sites.trusted);
        Ok(Self {
            github,
            github_web,
            stripe,
            stripe_webhooks: webhook_secrets(config, origins)?,
            sandbox_stripe: config.sandbox_stripe().then_some(at_sandbox),
            sites,
            mailer: assay_notifications::mailer(config)?,
            sandbox_github,
        })
    }
}

/// The sandbox GitHub, where no credentials are given; on the configured port, or on a free one when that is taken.
///
/// # Errors
/// When it cannot be started.
fn sandbox_github(config: &Config, origins: &Origins) -> Outcome<Option<sandbox::Server>> {
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
    let host = sandbox_host(config);
    let server = sandbox::Server::bind(host, config.github.sandbox_port, options())
        .or_else(|_taken| sandbox::Server::bind(host, 0, options()))
        .map_err(|error| Failure(format!("the sandbox GitHub cannot be started: {error}")))?;
    Ok(Some(server))
}

fn sandbox_host(config: &Config) -> &str {
    if config.server.host == "0.0.0.0" { "127.0.0.1" } else { &config.server.host }
}

/// A secret of the sandbox Stripe, made of the service's keys, so that service and worker agree on it.
fn sandbox_secret(origins: &Origins, what: &str) -> Outcome<SecretString> {
    let made = base64url(&origins.keys.sign("sandbox-stripe", what.as_bytes())?);
    Ok(SecretString::from(format!("sandbox_{made}")))
}

/// As configured, or the sandbox's own.
fn webhook_secrets(config: &Config, origins: &Origins) -> Outcome<WebhookSecrets> {
    let or_own = |given: &[SecretString], what: &str| match given {
        [] if config.sandbox_stripe() => Ok(vec![sandbox_secret(origins, what)?]),
        given => Ok::<_, Failure>(given.to_vec()),
    };
    Ok(WebhookSecrets {
        platform: or_own(&config.stripe.webhook_secrets, "webhooks")?,
        connect: or_own(&config.stripe.connect_webhook_secrets, "connect")?,
    })
}

/// The sandbox Stripe, where no key is given; on the configured port, or on a free one when that is taken.
///
/// # Errors
/// When it cannot be started.
fn sandbox_stripe(config: &Config, origins: &Origins) -> Outcome<Option<stripe::sandbox::Server>> {
    use stripe::sandbox::{Endpoint, Options, Server};
    if !config.sandbox_stripe() {
        return Ok(None);
    }
    let mut options =
        Options::new(origins.clock.clone(), origins.entropy.clone(), sandbox_secret(origins, "key")?);
    // The service beside it, unless somebody else is to be told.
    let url = match config.stripe.sandbox_webhook_url.trim_end_matches('/') {
        "" => format!("http://{}:{}/v1/stripe/webhooks", sandbox_host(config), config.server.port),
        url => url.to_owned(),
    };
    let secrets = webhook_secrets(config, origins)?;
    options.webhooks = vec![
        Endpoint { url: url.clone(), secrets: secrets.platform, connect: false },
        Endpoint { url: format!("{url}/connect"), secrets: secrets.connect, connect: true },
    ];
    let host = sandbox_host(config);
    let server = Server::bind(host, config.stripe.sandbox_port, options.clone())
        .or_else(|_taken| Server::bind(host, 0, options))
        .map_err(|error| Failure(format!("the sandbox Stripe cannot be started: {error}")))?;
    Ok(Some(server))
}
