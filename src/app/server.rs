//! `serve`: the listeners, the start, the drain.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use assay_kernel::{Code, Error};
use assay_platform::config::Config;
use assay_platform::db::migrate;
use assay_platform::telemetry;
use assay_platform::web::problem::respond;
use assay_platform::{Ctx, jobs};
use tokio::signal::unix::{SignalKind, signal};

use super::boot::{self, Database, Failure, Options, Origins, Outcome};
use super::providers::{Providers, Sandboxes};
use super::services::Services;
use super::worker::{Background, Duties};
use super::{api, memory};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Takes an address.
///
/// # Errors
/// One clear line when somebody else has it.
pub fn listen(host: &str, port: u16, key: &str) -> Outcome<TcpListener> {
    let told = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Failure(format!(
            "the port {port} on {host} is in use; stop what uses it or set another with {key}"
        )),
        _ => Failure(format!("cannot listen on {host}:{port} ({key}): {error}")),
    };
    let address = (host, port)
        .to_socket_addrs()
        .map_err(told)?
        .next()
        .ok_or_else(|| Failure(format!("{host} has no address")))?;
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
    }
    .map_err(told)?;
    socket.set_reuseaddr(true).map_err(told)?;
    socket.bind(address).map_err(told)?;
    let listener = socket.listen(BACKLOG).map_err(told)?;
    listener.into_std().map_err(told)
}

/// A running HTTP server.
#[derive(Debug)]
pub struct Api {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Api {
    /// Stops accepting, and waits for requests under way when `gracefully`.
    pub async fn stop(self, gracefully: bool) {
        self.handle.stop(gracefully).await;
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the HTTP server failed"),
            Err(error) => tracing::error!(%error, "the HTTP server failed"),
        }
    }

    /// Tells it to stop at once, without waiting for its end.
    pub fn abandon(self) {
        // The order is given at once; the future only tells when it is done.
        drop(self.handle.stop(false));
    }
}

/// Serves the API on `listener`.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve_api(services: &Services, listener: TcpListener) -> Outcome<Api> {
    let address = listener.local_addr()?;
    let server = &services.ctx.config.server;
    let threads = http_threads(&services.ctx.config);
    let drain = server.drain_seconds;
    let services = services.clone();
    let server = HttpServer::new(move || api::app(&services))
        .workers(threads)
        .client_request_timeout(Duration::from_secs(10))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(drain)
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    Ok(Api { address, handle, task: tokio::spawn(server) })
}

/// HTTP threads: as configured, or one for each core.
fn http_threads(config: &Config) -> usize {
    match config.server.threads {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        threads => threads,
    }
}

/// What the metrics page looks at.
#[derive(Clone)]
struct Observed {
    handle: Arc<dyn Fn() -> String + Send + Sync>,
    ctx: Ctx,
}

/// Serves `/metrics` on a port of its own.
///
/// # Errors
/// When the listener cannot be used, or the recorder cannot be installed.
pub fn serve_metrics(ctx: &Ctx, listener: TcpListener) -> Outcome<Api> {
    let address = listener.local_addr()?;
    let recorder = telemetry::metrics_handle()?;
    let observed = Observed { handle: Arc::new(move || recorder.render()), ctx: ctx.clone() };
    let server = HttpServer::new(move || {
        App::new().app_data(Data::new(observed.clone())).route("/metrics", web::get().to(metrics))
    })
    .workers(1)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(Api { address, handle, task: tokio::spawn(server) })
}

async fn metrics(observed: Data<Observed>) -> HttpResponse {
    let gauge = |name: &'static str, value: u32| metrics::gauge!(name).set(f64::from(value));
    let (open, idle) = observed.ctx.db.state();
    gauge("db_pool_connections", open);
    gauge("db_pool_idle_connections", idle);
    gauge("db_pool_size", observed.ctx.config.database.api_connections);
    let depth = observed.ctx.db.read(async |conn| jobs::depth(conn).await).await;
    gauge("up", 1);
    gauge("db_up", u32::from(depth.is_ok()));
    if let Ok((live, dead)) = depth {
        gauge("jobs_live", u32::try_from(live).unwrap_or(u32::MAX));
        gauge("jobs_dead", u32::try_from(dead).unwrap_or(u32::MAX));
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body((observed.handle)())
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// Whatever prevents the start, in one line.
pub fn run(options: &Options) -> Outcome {
    let started = Instant::now();
    let config = options.config()?;
    telemetry::init_logs(config.log.format, &config.log.filter);
    memory::usual_pages();
    runtime()?.block_on(async { serve(config, started).await })
}

/// The runtime of a command.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn serve(mut config: Config, started: Instant) -> Outcome {
    // Before anything else, so that a port in use costs nothing.
    let listener = listen(&config.server.host, config.server.port, "--port or server.port")?;
    config.server.port = listener.local_addr()?.port();
    let metrics_listener = listen(&config.metrics.host, config.metrics.port, "metrics.port")?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let config = Arc::new(config);
    let mut database = tokio::task::block_in_place(|| Database::start(&config))?;
    let url = database.url();

    let starting = async {
        // After the database, whose launcher makes the data folder so that its user can pass through.
        let origins = Origins::of(&config)?;
        let sandboxes = Sandboxes::start(&config, &origins)?;
        let providers = Providers::new(&config, &origins, &sandboxes)?;
        if !tokio::task::block_in_place(|| bring_up(&config, &url))? {
            wait_for_migrations(&url, &listener).await?;
        }
        // Each HTTP thread has its share of the connections.
        let threads = u32::try_from(http_threads(&config)).unwrap_or(1);
        let connections = config.database.api_connections.div_ceil(threads);
        let ctx = boot::context(&config, &origins, &url, connections);
        boot::prepare(&ctx).await?;
        let services = Services::start(ctx, providers.clone()).await?;
        memory::give_back();
        let metrics = serve_metrics(&services.ctx, metrics_listener)?;
        let api = serve_api(&services, listener)?;
        let duties =
            Duties { limiter: Some(services.limiter.clone()), work: config.server.worker, providers };
        let background = Background::start(config.clone(), origins, url.clone(), duties)?;
        Ok::<_, Failure>((services, metrics, api, background, sandboxes))
    };
    let (services, metrics, api, background, sandboxes) = match starting.await {
        Ok(parts) => parts,
        Err(failure) => {
            tokio::task::block_in_place(|| database.stop())?;
            return Err(failure);
        }
    };
    announce(&services, &database, &metrics, started);

    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = tick.tick() => look_after(&mut database),
        }
    }

    services.readiness.draining.store(true, Ordering::Relaxed);
    println!("Stopping: requests under way are finished first (at most {} s).", config.server.drain_seconds);
    background.ask_to_stop();
    tokio::select! {
        () = api.stop(true) => {}
        _ = interrupt.recv() => println!("Stopping at once."),
        _ = terminate.recv() => println!("Stopping at once."),
    }
    metrics.stop(false).await;
    sandboxes.stop().await;
    tokio::task::block_in_place(|| {
        background.join();
        drop(services);
        database.stop()
    })?;
    println!("Stopped.");
    Ok(())
}

/// Brings the schema up to date where that is ours to do; tells whether it is up to date.
///
/// # Errors
/// When a migration fails.
pub fn bring_up(config: &Config, url: &str) -> Outcome<bool> {
    if config.is_production() {
        // Several replicas of two versions may run: `assay migrate` is a step of the deployment.
        return Ok(migrate::pending(url)?.is_empty());
    }
    for name in migrate::run(url)? {
        tracing::info!(migration = %name, "migrated");
    }
    Ok(true)
}

/// Answers that the service is not ready until somebody has migrated the database.
async fn wait_for_migrations(url: &str, listener: &TcpListener) -> Outcome {
    let server = HttpServer::new(|| {
        App::new().route("/livez", web::get().to(HttpResponse::Ok)).default_service(web::to(async || {
            let error = Error::new(Code::Unavailable, "The database lacks migrations of this version.");
            respond(&error.with_retry_after(5), None, None)
        }))
    })
    .workers(1)
    .disable_signals()
    .listen(listener.try_clone()?)?
    .run();
    let waiting =
        Api { address: listener.local_addr()?, handle: server.handle(), task: tokio::spawn(server) };
    loop {
        let pending = tokio::task::block_in_place(|| migrate::pending(url))?;
        if pending.is_empty() {
            break;
        }
        tracing::warn!(?pending, "the database lacks migrations; run `assay migrate`");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            told = told_to_stop() => {
                told?;
                waiting.stop(false).await;
                return Err(Failure("stopped while the database lacked migrations; run `assay migrate`".to_owned()));
            }
        }
    }
    waiting.stop(true).await;
    Ok(())
}

/// Starts a crashed cluster of ours again.
fn look_after(database: &mut Database) {
    if let Database::Own(cluster) = database
        && let Err(error) = tokio::task::block_in_place(|| cluster.ensure_running())
    {
        tracing::error!(%error, "private PostgreSQL cannot be started again");
    }
}

/// Tells the person at the terminal what is served where.
fn announce(services: &Services, database: &Database, metrics: &Api, started: Instant) {
    let config = &services.ctx.config;
    let url = config.public_url();
    let mut sandboxed = Vec::new();
    if services.sandbox.github.is_some() {
        sandboxed.push("GitHub");
    }
    if services.sandbox.stripe.is_some() {
        sandboxed.push("Stripe");
    }
    if services.sandbox.mail.is_some() {
        sandboxed.push("mail");
    }
    if !config.is_production() {
        sandboxed.push("the clock");
    }
    println!("Assay {} is ready after {:.1} s.", env!("CARGO_PKG_VERSION"), started.elapsed().as_secs_f64());
    println!("  API             {url}/v1   (description {url}/openapi.json)");
    println!("  documentation   {url}/docs/");
    println!("  metrics         http://{}/metrics", metrics.address);
    if let Some(github) = &services.sandbox.github {
        println!("  sandbox GitHub  {github}");
    }
    if let Some(stripe) = &services.sandbox.stripe {
        println!("  sandbox Stripe  {stripe}");
    }
    if let Some(folder) = &services.sandbox.mail {
        println!("  mail            {}   ({url}/sandbox/mail)", folder.display());
    }
    println!("  data folder     {}", config.data_dir.display());
    println!(
        "  database        {}",
        match database {
            Database::Given(_) => "as configured",
            Database::Own(_) | Database::Attached(_) => "private PostgreSQL in the data folder",
        }
    );
    for note in database.notes() {
        println!("  note            {note}");
    }
    if sandboxed.is_empty() {
        println!("  Nothing is sandboxed.");
    } else {
        println!("  SANDBOXED: {}. Nobody outside this machine is reached.", sandboxed.join(", "));
        println!("Try:  curl -s {url}/v1/process/project | head -c 600");
        println!("      cargo run -- demo      (walks the whole road over HTTP)");
    }
    println!("Stop with Ctrl-C.");
}

/// Waits for Ctrl-C or the supervisor's signal.
///
/// # Errors
/// When signals cannot be waited for.
pub async fn told_to_stop() -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
