//! A private PostgreSQL, the built binary as `serve` and as `worker`, a sandbox Stripe that outlives them all, and who
//! is killed when.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay::app::boot;
use assay_kernel::Entropy;
use assay_platform::config::Config;
use assay_platform::crypto::Keyring;
use assay_platform::db::embedded::{Cluster, Options};
use assay_platform::db::migrate;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::{ExposeSecret, SecretString};

use crate::harness::{self, TestApp};
use crate::ledger::crash::kill_all;

const PATIENCE: Duration = Duration::from_secs(60);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    Server,
    Worker,
    PostgreSql,
}

/// Everything that runs.
pub struct Stage {
    pub app: TestApp,
    cluster: Cluster,
    folder: PathBuf,
    stop_at: PathBuf,
    environment: Vec<(String, String)>,
    server: Option<Child>,
    worker: Option<Child>,
    database_is_down: bool,
    pub kills: u64,
}

/// As a value of a variable: a list in TOML.
fn list(secrets: &[SecretString]) -> String {
    let quoted: Vec<String> = secrets.iter().map(|secret| format!("{:?}", secret.expose_secret())).collect();
    format!("[{}]", quoted.join(", "))
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    kill(pid, signal).expect("the process is there");
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Stage {
    /// The database and the sandboxes, with a service in this process to set the scene with.
    pub async fn set() -> Self {
        let folder = std::env::temp_dir().join(format!("assay-killed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let data_dir = folder.join("cluster");
        std::fs::create_dir_all(&data_dir).expect("a folder");
        let cluster = Cluster::start(&Options { data_dir, durable: true }).expect("PostgreSQL starts");
        migrate::create_database(&cluster.url("postgres"), "assay").expect("a database");
        let url = cluster.url("assay");
        migrate::run(&url).expect("the migrations run");
        let config = Arc::new(Config::load(None, &[], &folder).expect("the defaults load"));
        let ctx = boot::context(&config, &harness::origins(), &url, 1);
        boot::prepare(&ctx).await.expect("the seeds are written");
        let app = TestApp::start_on(&url).await;
        let stop_at = folder.join("stop-at");
        let environment = Self::environment(&app, &url, &stop_at);
        Self {
            app,
            cluster,
            folder,
            stop_at,
            environment,
            server: None,
            worker: None,
            database_is_down: false,
            kills: 0,
        }
    }

    /// What makes the binary the same service as the one in this process.
    fn environment(app: &TestApp, url: &str, stop_at: &std::path::Path) -> Vec<(String, String)> {
        let (github, stripe) = (app.github.client_config(), app.stripe.client_config());
        let secrets = &app.services.providers.stripe_webhooks;
        let keys = Keyring::generate(&Entropy::seeded(7), "test");
        let port = app.services.ctx.config.server.port;
        [
            ("SERVER__PORT", port.to_string()),
            ("SERVER__THREADS", "1".to_owned()),
            ("SERVER__WORKER", "false".to_owned()),
            ("METRICS__PORT", "0".to_owned()),
            ("DATABASE__URL", url.to_owned()),
            ("DATABASE__API_CONNECTIONS", "4".to_owned()),
            ("SECRETS__MASTER_KEYS", keys.expose_secret().to_owned()),
            ("GITHUB__CLIENT_ID", github.client_id.clone()),
            ("GITHUB__CLIENT_SECRET", github.client_secret.expose_secret().to_owned()),
            ("GITHUB__API_BASE", github.api_base.to_string()),
            ("GITHUB__WEB_BASE", github.web_base.to_string()),
            ("STRIPE__SECRET_KEY", stripe.secret_key.expose_secret().to_owned()),
            ("STRIPE__API_BASE", stripe.api_base.to_string()),
            ("STRIPE__WEBHOOK_SECRETS", list(&secrets.platform)),
            ("STRIPE__CONNECT_WEBHOOK_SECRETS", list(&secrets.connect)),
            ("RATE_LIMIT__DEFAULT", "1000000".to_owned()),
            ("RATE_LIMIT__SIGN_IN", "1000000".to_owned()),
            ("STOP_AT", stop_at.to_string_lossy().into_owned()),
        ]
        .map(|(name, value)| (format!("ASSAY_{name}"), value))
        .to_vec()
    }

    fn spawn(&self, command: &str) -> Child {
        let log = || {
            let path = self.folder.join(format!("{command}.log"));
            File::options().create(true).append(true).open(path).expect("a log")
        };
        Command::new(env!("CARGO_BIN_EXE_assay"))
            .arg("--data-dir")
            .arg(self.folder.join(command))
            .arg(command)
            .envs(self.environment.iter().cloned())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("the binary starts")
    }

    /// Starts whatever does not run, and waits until the service answers.
    pub async fn run_all(&mut self) {
        if std::mem::take(&mut self.database_is_down) {
            let cluster = &mut self.cluster;
            until("PostgreSQL comes back", async || cluster.ensure_running().is_ok_and(|started| started))
                .await;
        }
        // As a supervisor does: whoever was starting while the database went away has ended.
        for child in [&mut self.server, &mut self.worker] {
            child.take_if(|child| child.try_wait().is_ok_and(|ended| ended.is_some()));
        }
        if self.server.is_none() {
            self.server = Some(self.spawn("serve"));
        }
        if self.worker.is_none() {
            self.worker = Some(self.spawn("worker"));
        }
        let (url, http) = (format!("{}/readyz", self.app.base), &self.app.http);
        until("the service answers", async || {
            http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    fn process(&mut self, of: Victim) -> &mut Option<Child> {
        if of == Victim::Server { &mut self.server } else { &mut self.worker }
    }

    /// Lets whoever comes to that place stop there.
    pub fn arm(&self, place: &str) {
        let fresh = self.stop_at.with_extension("new");
        std::fs::write(&fresh, place).expect("the place is written");
        std::fs::rename(&fresh, &self.stop_at).expect("the place is told");
    }

    /// Did it stop at the place?
    pub fn is_stopped(&self, of: Victim) -> bool {
        let child = if of == Victim::Server { &self.server } else { &self.worker };
        let pid = child.as_ref().expect("it runs").id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|after| after.trim_start().starts_with('T'))
    }

    /// Lets nobody stop any more, and whoever stopped go on.
    pub fn disarm(&self) {
        let _may_be_gone = std::fs::remove_file(&self.stop_at);
        for child in [&self.server, &self.worker].into_iter().flatten() {
            signal(child, Signal::SIGCONT);
        }
    }

    /// kill -9.
    pub async fn kill(&mut self, victim: Victim) {
        self.kills += 1;
        if victim == Victim::PostgreSql {
            kill_all(&self.cluster.url("assay")).await;
            self.database_is_down = true;
            return;
        }
        if let Some(mut child) = self.process(victim).take() {
            signal(&child, Signal::SIGKILL);
            child.wait().expect("it ends");
        }
    }

    /// Moves every clock. Both processes follow once a second, or later when the database was away: what was signed before
    /// would be too old after.
    pub async fn advance(&self, seconds: u64) {
        self.app.advance_clock(Duration::from_secs(seconds)).await;
        let (url, http) = (format!("{}/sandbox/clock", self.app.base), &self.app.http);
        let ahead = self.app.ctx().clock.offset().num_seconds();
        until("the service follows the clock", async || {
            let Ok(answer) = http.get(&url).send().await else { return false };
            let seen: serde_json::Value = answer.json().await.unwrap_or_default();
            seen["ahead_seconds"].as_i64().is_some_and(|seconds| seconds >= ahead)
        })
        .await;
        // The worker has no door to ask at.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    /// Moves every clock, and waits until nothing is due.
    pub async fn pass(&self, seconds: u64) {
        self.advance(seconds).await;
        self.settle().await;
    }

    /// Waits until nothing is due.
    pub async fn settle(&self) {
        let due = "SELECT (SELECT count(*) FROM jobs WHERE dead_at IS NULL AND run_at <= t.now
                AND (lease_until IS NULL OR lease_until <= t.now))
            + (SELECT count(*) FROM timers WHERE due_at <= t.now)
            + (SELECT count(*) FROM events WHERE seq IS NULL) AS n
            FROM (SELECT now() + offset_micros * interval '1 microsecond' AS now FROM sandbox_clock) t";
        let mut quiet = 0;
        until("what is due is done", async || {
            quiet = if self.app.number(due).await == 0 { quiet + 1 } else { 0 };
            quiet > 10
        })
        .await;
    }

    /// `assay ledger check`, as an operator runs it.
    pub fn ledger_check(&self) -> Result<String, String> {
        let output = Command::new(env!("CARGO_BIN_EXE_assay"))
            .arg("--data-dir")
            .arg(self.folder.join("tool"))
            .args(["ledger", "check"])
            .envs(self.environment.iter().cloned())
            .output()
            .expect("the binary starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(text) } else { Err(text) }
    }

    /// The last lines of the logs.
    pub fn logs(&self) -> String {
        let last = |name: &str| {
            let text = std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("== {name}\n{}", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        format!("{}\n{}", last("serve.log"), last("worker.log"))
    }

    pub async fn strike(mut self) {
        for victim in [Victim::Server, Victim::Worker] {
            self.kill(victim).await;
        }
        drop(self.app);
        self.cluster.stop().expect("PostgreSQL stops");
        std::fs::remove_dir_all(&self.folder).expect("the folder goes");
    }
}
