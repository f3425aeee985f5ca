//! A running service for one test.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assay::app::boot;
use assay::app::domains::State;
use assay::app::providers::{Providers, Sandboxes};
use assay::app::server::{self, Api};
use assay::app::services::Services;
use assay::app::worker;
use assay_adapters::github::sandbox;
use assay_adapters::stripe;
use assay_platform::config::Config;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, Registry};
use assay_platform::{Ctx, sandbox_clock};
use diesel_async::{AsyncConnection, RunQueryDsl};
use reqwest::Method;

use super::call::Call;
use super::cluster::{self, Scratch};

/// The service, its database, its clock, its sandboxes.
pub struct TestApp {
    /// `http://127.0.0.1:port`.
    pub base: String,
    /// Sends requests; follows no redirects.
    pub http: reqwest::Client,
    /// What the service shares, for tests that must look behind the API.
    pub services: Services,
    /// The sandbox GitHub.
    pub github: sandbox::Server,
    /// The sandbox Stripe.
    pub stripe: stripe::sandbox::Server,
    /// Hold every answer to the description? Off for tests of what is not HTTP as described.
    pub checks_answers: bool,
    worker: Ctx,
    registry: Registry,
    data_dir: PathBuf,
    api: Option<Api>,
    database: Scratch,
}

impl TestApp {
    /// Starts a service as `serve` does, but for the worker, which runs when a test says so.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with some configuration keys set.
    pub async fn start_with(overrides: &[(&str, &str)]) -> Self {
        let database = tokio::task::spawn_blocking(Scratch::cloned).await.expect("a database");
        Self::start_in(database, overrides).await
    }

    /// The same in a database that is migrated and seeded.
    pub async fn start_on(url: &str) -> Self {
        Self::start_in(Scratch::given(url), &[]).await
    }

    async fn start_in(database: Scratch, overrides: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let data_dir = std::env::temp_dir().join(format!("assay-it-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&data_dir).expect("a data folder");

        let mut keys: Vec<(&str, String)> = [
            ("server.port", "0"),
            ("server.threads", "1"),
            ("server.drain_seconds", "1"),
            ("github.sandbox_port", "0"),
            ("stripe.sandbox_port", "0"),
            ("rate_limit.default", "1000000"),
            ("rate_limit.search", "1000000"),
            ("rate_limit.sign_in", "1000000"),
            ("database.api_connections", "4"),
        ]
        .map(|(key, value)| (key, value.to_owned()))
        .to_vec();
        keys.extend(overrides.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let mut config = Config::load(None, &keys, &data_dir).expect("the configuration loads");

        let listener = server::listen("127.0.0.1", 0, "server.port").expect("a free port");
        config.server.port = listener.local_addr().expect("an address").port();
        let config = Arc::new(config);
        let origins = cluster::origins();
        let sandboxes = Sandboxes::start(&config, &origins).expect("the sandboxes start");
        let providers = Providers::new(&config, &origins, &sandboxes).expect("the clients are made");
        let github = sandboxes.github.expect("a sandbox");
        let stripe = sandboxes.stripe.expect("a sandbox");

        let ctx = boot::context(&config, &origins, &database.url, config.database.api_connections);
        let worker = boot::context(&config, &origins, &database.url, 2);
        let state = State::load(&worker, &providers).await.expect("the domains' state");
        let services = Services::start(ctx, providers).await.expect("the services");
        let api = server::serve_api(&services, listener).expect("the server starts");
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client");
        Self {
            base: format!("http://{}", api.address),
            http,
            services,
            github,
            stripe,
            checks_answers: true,
            worker,
            registry: worker::registry(&state),
            data_dir,
            api: Some(api),
            database,
        }
    }

    /// A request with any method.
    pub fn request(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// GET.
    pub fn get(&self, path: &str) -> Call<'_> {
        self.request(Method::GET, path)
    }

    /// POST.
    pub fn post(&self, path: &str) -> Call<'_> {
        self.request(Method::POST, path)
    }

    /// PUT.
    pub fn put(&self, path: &str) -> Call<'_> {
        self.request(Method::PUT, path)
    }

    /// PATCH.
    pub fn patch(&self, path: &str) -> Call<'_> {
        self.request(Method::PATCH, path)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.request(Method::DELETE, path)
    }

    /// Does all background work that is due now. A job that has used up its tries fails the test.
    pub async fn work(&self) {
        self.worked().await;
    }

    /// The same; returns how much there was to do.
    pub async fn worked(&self) -> usize {
        let done = self.work_with_failures().await;
        let (_, dead) = self.worker.db.read(async |conn| jobs::depth(conn).await).await.expect("the depth");
        if dead > 0 {
            let left = self.worker.db.read(async |conn| jobs::list(conn, true, None, 20).await).await;
            panic!("{dead} jobs are dead: {left:?}");
        }
        done
    }

    /// The same where jobs may die.
    pub async fn work_with_failures(&self) -> usize {
        let mut done = 0;
        loop {
            match worker::round(&self.worker, &self.registry).await.expect("the worker's round") {
                0 => return done,
                some => done += some,
            }
        }
    }

    /// Moves the clock and does what has become due.
    pub async fn advance(&self, by: Duration) {
        self.advance_clock(by).await;
        self.work().await;
    }

    /// Moves the clock only.
    pub async fn advance_clock(&self, by: Duration) {
        let ctx = &self.worker;
        ctx.db.tx(async |conn| sandbox_clock::advance(ctx, conn, by).await).await.expect("the clock moves");
    }

    /// Moves the clock by days and does what has become due.
    pub async fn advance_days(&self, days: u64) {
        self.advance(Duration::from_secs(days * 86_400)).await;
    }

    /// Every row of a table as text, as a dump would have it.
    pub async fn dump(&self, table: &str) -> String {
        self.lines(&format!("SELECT t::text AS line FROM {table} t")).await.join("\n")
    }

    /// Every table.
    pub async fn tables(&self) -> Vec<String> {
        self.lines("SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .await
    }

    /// The columns of a table in their order.
    pub async fn column_names(&self, table: &str) -> Vec<String> {
        self.lines(&format!(
            "SELECT column_name::text AS line FROM information_schema.columns WHERE table_name = '{table}'
             ORDER BY ordinal_position"
        ))
        .await
    }

    async fn lines(&self, query: &str) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            line: String,
        }
        let mut conn = Conn::establish(self.database_url()).await.expect("a connection");
        let rows: Vec<Row> = diesel::sql_query(query).load(&mut conn).await.expect("the rows");
        rows.into_iter().map(|row| row.line).collect()
    }

    /// The URL of the test's database.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// The worker's context, for tests that must look behind the API.
    pub fn ctx(&self) -> &Ctx {
        &self.worker
    }

    /// Stops answering, so that another process can answer at the same address. The sandboxes stay.
    pub async fn hand_over(&mut self) {
        if let Some(api) = self.api.take() {
            api.stop(true).await;
        }
    }

    /// Stops the service and looks for dead jobs.
    pub async fn stop(mut self) {
        self.work().await;
        if let Some(api) = self.api.take() {
            api.stop(true).await;
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(api) = self.api.take() {
            api.abandon();
        }
        let _may_be_gone = std::fs::remove_dir_all(&self.data_dir);
    }
}
