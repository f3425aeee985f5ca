//! A server that answers as GitHub does, for invented people ([`personas`]).
//!
//! It speaks the sign-in pages and the REST operations that [`super::Client`] uses, with GitHub's whole payloads,
//! `ETag`s, `Link` pages, rate limits and error bodies. `POST /_sandbox/faults` makes it misbehave:
//! `{"kind": "primary_rate_limit" | "secondary_rate_limit" | "server_error" | "slow" | "malformed" | "drop",
//! "count": 1, "path_prefix": "/api/user"}`; `GET /_sandbox/requests` tells what was asked, `POST /_sandbox/reset`
//! forgets both, `POST /_sandbox/revoke` with `{"id": …}` ends a person's tokens, and `POST /_sandbox/repositories`
//! changes a repository: `{"full_name": "ada-oss/reparse", "gone": true}`, see [`changes`].

mod changes;
mod faults;
mod oauth;
mod payload;
mod personas;
mod routes;
mod state;
mod world;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, JsonConfig};
use actix_web::{App, HttpServer};
use assay_kernel::{Clock, Entropy};
use secrecy::SecretString;
use url::Url;

pub use personas::Persona;

use super::Config;
use crate::sandbox;
use payload::Urls;
use state::State;

/// Everybody who can sign in at the sandbox.
pub fn personas() -> &'static [Persona] {
    personas::PERSONAS
}

/// What the sandbox must know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its time: for codes, rate limits and "pushed yesterday".
    pub clock: Clock,
    /// Its randomness.
    pub entropy: Entropy,
    /// The one OAuth application it knows.
    pub client_id: String,
    /// That application's secret. Tokens are bound to it: with the same secret they outlive a restart.
    pub client_secret: SecretString,
    /// The registered callback; without one, any web address is taken.
    pub callback: Option<Url>,
    /// So many further people, `dev-000001` and so on, each with a few repositories: for load.
    pub profiles: u32,
    /// How browsers and clients reach it, when that is not the address it listens on.
    pub public_url: Option<Url>,
}

impl Options {
    /// Any callback, reached where it listens.
    pub fn new(
        clock: Clock,
        entropy: Entropy,
        client_id: impl Into<String>,
        client_secret: SecretString,
    ) -> Self {
        Self {
            clock,
            entropy,
            client_id: client_id.into(),
            client_secret,
            callback: None,
            profiles: 0,
            public_url: None,
        }
    }
}

/// A running sandbox. It stops when dropped.
pub struct Server {
    base_url: Url,
    address: SocketAddr,
    state: Data<State>,
    handle: ServerHandle,
}

impl Server {
    /// Starts on a bound listener, with one worker on threads of its own: it needs no runtime of the caller's.
    ///
    /// # Errors
    /// When the listener or a thread cannot be used.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let base_url = match &options.public_url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://{address}")).map_err(io::Error::other)?,
        };
        let web = base_url.as_str().trim_end_matches('/').to_owned();
        let urls = Urls { api: format!("{web}/api"), web };
        let state = Data::new(State::new(options, urls));
        let shared = state.clone();
        let handle = sandbox::run("github-sandbox", move || {
            let app = move || {
                let json = JsonConfig::default().limit(16 * 1024 * 1024);
                App::new()
                    .app_data(shared.clone())
                    .app_data(json)
                    .wrap(from_fn(faults::middleware))
                    .configure(routes::configure)
            };
            let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(1);
            Ok(server.listen(listener)?.run())
        })?;
        Ok(Self { base_url, address, state, handle })
    }

    /// Binds and starts; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or not ours, and as [`Server::start`].
    pub fn bind(host: &str, port: u16, options: Options) -> io::Result<Self> {
        Self::start(TcpListener::bind((host, port))?, options)
    }

    /// Where it is seen: the base of the sign-in pages. The REST API is below `/api`.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A configuration for [`super::Client`] that leads here.
    pub fn client_config(&self) -> Config {
        let mut api_base = self.base_url.clone();
        if let Ok(mut path) = api_base.path_segments_mut() {
            path.pop_if_empty().push("api");
        }
        Config::new(
            api_base,
            self.base_url.clone(),
            self.state.client_id.clone(),
            self.state.client_secret.clone(),
        )
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
        f.debug_struct("github::sandbox::Server")
            .field("base_url", &self.base_url.as_str())
            .finish_non_exhaustive()
    }
}
