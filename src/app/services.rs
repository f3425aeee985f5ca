//! What a running service shares: made once for a process, cheap to clone, given to each HTTP thread.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::web::{self, Data};
use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::rate_limit::RateLimiter;
use assay_platform::web::edge::Edge;
use assay_platform::web::extract::BodyLimits;

use super::domains::State;
use super::http::health::Readiness;
use super::http::sandbox::Sandbox;
use super::openapi::{self, Document};
use super::providers::Providers;

/// The service, without its listeners.
#[derive(Clone)]
pub struct Services {
    /// What use cases are given.
    pub ctx: Ctx,
    /// The clients of the providers.
    pub providers: Providers,
    /// Counts requests.
    pub limiter: RateLimiter,
    /// Whether the service may be sent requests.
    pub readiness: Readiness,
    /// What is sandboxed.
    pub sandbox: Sandbox,
    state: State,
    edge: Edge,
    document: Arc<Document>,
}

impl Services {
    /// Joins the parts, on a database that is migrated and seeded.
    ///
    /// # Errors
    /// Whatever a domain fails with.
    pub async fn start(ctx: Ctx, providers: Providers) -> Result<Self> {
        let state = State::load(&ctx, &providers).await?;
        state.begin()?;
        let config = &ctx.config;
        let limiter = RateLimiter::new(config.rate_limit, ctx.clock.clone());
        let readiness = Readiness::default();
        readiness.migrated.store(true, Ordering::Relaxed);
        let document = Arc::new(openapi::served(!config.is_production()));
        let templates = document.clone();
        let edge = Edge {
            authenticator: state.authenticator(),
            limiter: limiter.clone(),
            entropy: ctx.entropy.clone(),
            origins: origins(config).into(),
            trusted_proxies: config.server.trusted_proxies.clone().into(),
            https: config.public_url().starts_with("https://"),
            show_statements: !config.is_production(),
            template: Arc::new(move |path| templates.operations.template(path)),
            draining: readiness.draining.clone(),
        };
        let sandbox = Sandbox {
            github: providers.sandbox_github.clone(),
            stripe: providers.sandbox_stripe.clone(),
            mail: config.sandbox_mail().then(|| super::boot::mail_folder(config)),
        };
        Ok(Self { ctx, providers, limiter, readiness, sandbox, state, edge, document })
    }

    /// Gives an HTTP thread what its handlers ask for.
    pub fn app_data(&self, config: &mut web::ServiceConfig) {
        let server = &self.ctx.config.server;
        let limits = BodyLimits {
            bytes: server.body_limit,
            time: std::time::Duration::from_secs(server.body_seconds),
        };
        config
            .app_data(limits)
            .app_data(Data::new(self.ctx.clone()))
            .app_data(Data::new(self.edge.clone()))
            .app_data(Data::new(self.readiness.clone()))
            .app_data(Data::new(self.sandbox.clone()))
            .app_data(Data::from(self.document.clone()));
        self.state.app_data(config);
    }
}

/// The service's own origin, those allowed beside it, and for a service of one machine its other name.
fn origins(config: &assay_platform::config::Config) -> Vec<String> {
    let own = url::Url::parse(&config.public_url()).map(|url| url.origin().ascii_serialization());
    let mut origins: Vec<String> = own.into_iter().collect();
    let loopback = config.server.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback && !config.is_production() {
        origins.push(format!("http://localhost:{}", config.server.port));
    }
    origins.extend(config.server.cors_origins.iter().cloned());
    origins
}
