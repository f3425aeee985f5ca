//! A server that answers as Stripe does, with money that moves by its clock.
//!
//! It knows Stripe's test methods by their names (`pm_card_visa`, `pm_usBankAccount`, see `methods`), keeps answers
//! under their idempotency keys, and delivers signed webhooks. What Stripe has no call for:
//!
//! - `GET /setup/{token}?complete` (an account link) and `GET /authenticate/{payment}?complete` end what people do;
//! - `POST /_sandbox/faults` with `{"kind": "error_before" | "error_after" | "lost_answer" | "stored_error" |
//!   "stored_error_after" | "rate_limited" | "key_in_use" | "slow" | "webhook_duplicate" | "webhook_reorder" |
//!   "webhook_delay" | "webhook_drop" | "webhook_early", "count": 1, "method": "POST", "prefix": "/v1/transfers"}`;
//! - `POST /_sandbox/webhooks` with `{"url": …, "secrets": […], "connect": false}` adds an endpoint;
//! - `POST /_sandbox/disputes`, `/_sandbox/early_fraud_warnings` with `{"charge": …}`,
//!   `/_sandbox/disputes/{id}/decide` with `{"won": true}`, `/_sandbox/accounts/{id}/restrict`;
//! - `POST /_sandbox/settings` with `{"negative_reversals": true, "payout_failure": "account_closed", "skew_seconds":
//!   -600, "by_hand": true}`;
//! - `POST /_sandbox/deliver` sends the webhooks that are due, those that wait by hand too, and answers once they were:
//!   `{"delivered": 2}`;
//! - `GET /_sandbox/requests` and `POST /_sandbox/reset`.

mod connect;
mod controls;
mod disputes;
mod faults;
mod funds;
mod methods;
mod payments;
mod refunds;
mod server;
mod webhooks;
mod world;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpServer};
use assay_kernel::{Clock, Entropy};
use secrecy::SecretString;
use url::Url;

pub use webhooks::Endpoint;

use super::Config;
use crate::sandbox;
use server::State;
use world::World;

/// What the sandbox must know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its time: funds, bank debits and links go by it.
    pub clock: Clock,
    /// Its randomness.
    pub entropy: Entropy,
    /// The one key it takes.
    pub secret_key: SecretString,
    /// Who is told what happens.
    pub webhooks: Vec<Endpoint>,
    /// A file that every exchange is written to, for the check against Stripe's description.
    pub record: Option<PathBuf>,
}

impl Options {
    /// Nobody is told, nothing is recorded.
    pub fn new(clock: Clock, entropy: Entropy, secret_key: SecretString) -> Self {
        Self { clock, entropy, secret_key, webhooks: Vec::new(), record: None }
    }
}

/// A running sandbox. It stops when dropped.
pub struct Server {
    base_url: Url,
    state: Data<State>,
    handle: ServerHandle,
}

impl Server {
    /// Starts on a bound listener, with one worker on threads of its own: it needs no runtime of the caller's.
    ///
    /// # Errors
    /// When the listener or a thread cannot be used.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address: SocketAddr = listener.local_addr()?;
        let base_url = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        let base = base_url.as_str().trim_end_matches('/').to_owned();
        let world = World::new(options.clock, options.entropy, base, options.webhooks);
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(io::Error::other)?;
        let state = Data::new(State::new(world, options.secret_key, http, options.record));
        let shared = state.clone();
        let handle = sandbox::run("stripe-sandbox", move || {
            actix_web::rt::spawn(webhooks::run(shared.clone()));
            let app = move || {
                App::new()
                    .app_data(shared.clone())
                    .app_data(PayloadConfig::new(1024 * 1024))
                    .configure(routes)
            };
            let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(1);
            Ok(server.listen(listener)?.run())
        })?;
        Ok(Self { base_url, state, handle })
    }

    /// Binds and starts; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or not ours, and as [`Server::start`].
    pub fn bind(host: &str, port: u16, options: Options) -> io::Result<Self> {
        Self::start(TcpListener::bind((host, port))?, options)
    }

    /// Where it is.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// A configuration for [`super::Stripe`] that leads here.
    pub fn client_config(&self) -> Config {
        Config::new(self.base_url.clone(), self.state.secret_key.clone())
    }

    /// Stops it: nothing listens any more, and connections that are still open get 503 and are closed.
    pub async fn stop(self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        self.handle.stop(false).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        // The order is given at once; the future only tells when it is done.
        drop(self.handle.stop(false));
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("stripe::sandbox::Server")
            .field("base_url", &self.base_url.as_str())
            .finish_non_exhaustive()
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/setup/{token}", web::get().to(controls::setup))
        .route("/authenticate/{id}", web::get().to(controls::authenticate))
        .route("/_sandbox/faults", web::post().to(controls::faults))
        .route("/_sandbox/webhooks", web::post().to(controls::add_endpoint))
        .route("/_sandbox/settings", web::post().to(controls::settings))
        .route("/_sandbox/deliver", web::post().to(controls::deliver))
        .route("/_sandbox/requests", web::get().to(controls::requests))
        .route("/_sandbox/reset", web::post().to(controls::reset))
        .route("/_sandbox/disputes", web::post().to(controls::open_dispute))
        .route("/_sandbox/disputes/{id}/decide", web::post().to(controls::decide_dispute))
        .route("/_sandbox/early_fraud_warnings", web::post().to(controls::warn))
        .route("/_sandbox/accounts/{id}/restrict", web::post().to(controls::restrict))
        .default_service(web::to(server::api));
}
