//! What was acknowledged is there: a real service whose process, or whose PostgreSQL, is killed while it is written to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use assay_kernel::{Clock, Entropy};
use assay_platform::audit;
use assay_platform::db::{Conn, embedded};
use diesel_async::{AsyncConnection, RunQueryDsl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::market::complete;

const WRITERS: usize = 3;
/// Each round kills the service or its PostgreSQL.
const ROUNDS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(15);

/// The built program with a durable private cluster in a folder of its own.
struct Service {
    folder: PathBuf,
    port: u16,
    github: u16,
    child: Child,
}

impl Service {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("assay-durability-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let free = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("an address").port()
        };
        let (port, github) = (free(), free());
        let child = spawn(&folder, port, github);
        Self { folder, port, github, child }
    }

    /// SIGKILL: nothing is tidied up. PostgreSQL is left behind for the next start.
    fn kill_service(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
        self.child = spawn(&self.folder, self.port, self.github);
    }

    /// The same to the postmaster, which the service then starts again.
    async fn kill_postgres(&self) {
        #[derive(diesel::QueryableByName)]
        struct File {
            #[diesel(sql_type = diesel::sql_types::Text)]
            content: String,
        }
        let query = diesel::sql_query("SELECT pg_read_file('postmaster.pid') AS content");
        let file: File = query.get_result(&mut self.database().await).await.expect("the file");
        let pid = file.content.lines().next().and_then(|line| line.parse().ok()).expect("a process id");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    }

    async fn database(&self) -> Conn {
        let until = Instant::now() + PATIENCE;
        loop {
            let folder = self.folder.clone();
            let running =
                tokio::task::spawn_blocking(move || embedded::attach(&folder)).await.expect("asked");
            if let Ok(Some(running)) = running
                && let Ok(conn) = Conn::establish(&running.url("assay")).await
            {
                return conn;
            }
            assert!(Instant::now() < until, "PostgreSQL does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn caller(&self, token: Option<String>) -> Caller {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(3))
            .build()
            .expect("a client");
        Caller { http, base: format!("http://127.0.0.1:{}", self.port), token }
    }

    /// Somebody signed up, by the road of a program.
    async fn person(&self, login: &str, role: &str) -> Caller {
        let mut caller = self.caller(None);
        let until = Instant::now() + PATIENCE;
        let ready = format!("{}/readyz", caller.base);
        while !caller.http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(Instant::now() < until, "the service does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let get = |url: String| caller.http.get(url);
        let start = get(format!("{}/v1/auth/github/start?mode=token", caller.base)).send().await.unwrap();
        let header =
            |response: &reqwest::Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let cookie = header(&start, "set-cookie").split(';').next().unwrap().to_owned();
        let at_github = get(format!("{}&login={login}", header(&start, "location"))).send().await.unwrap();
        let back = get(header(&at_github, "location")).header("cookie", cookie).send().await.unwrap();
        let tokens: Value = back.json().await.unwrap();
        caller.token = Some(tokens["access_token"].as_str().expect("a token").to_owned());
        let me = caller.call(Method::GET, "/v1/me", None, &json!(null)).await.expect("answered");
        let policy = assay_platform::policy::Policy::shipped().expect("the policy");
        let input = json!({
            "roles": [role], "display_name": login, "contact_email": me["verified_emails"][0]["email"],
            "accept_terms_version": policy.consents.terms.version,
            "accept_product_mail_version": policy.consents.product_mail.version,
        });
        caller.call(Method::POST, "/v1/me/sign_up", None, &input).await.expect("signed up");
        caller
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Asked to stop, it stops its PostgreSQL too.
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        let _may_be_gone = kill(pid, Signal::SIGTERM);
        let _status = self.child.wait();
        let _may_be_gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path, port: u16, github: u16) -> Child {
    Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["--port", &port.to_string(), "serve"])
        .env("ASSAY_DATA_DIR", folder)
        .env("ASSAY_GITHUB__SANDBOX_PORT", github.to_string())
        .env("ASSAY_STRIPE__SANDBOX_PORT", "0")
        .env("ASSAY_STRIPE__SANDBOX_PORT", "0")
        .env("ASSAY_METRICS__PORT", "0")
        .env("ASSAY_RATE_LIMIT__DEFAULT", "1000000")
        .env("ASSAY_SERVER__DRAIN_SECONDS", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

#[derive(Clone)]
struct Caller {
    http: Client,
    base: String,
    token: Option<String>,
}

impl Caller {
    /// The answer of a success; `None` when there was none or a passing failure. Any other answer fails the test.
    async fn call(&self, method: Method, path: &str, key: Option<&str>, body: &Value) -> Option<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        match status {
            200..=299 => Some(serde_json::from_str(&text).expect("JSON")),
            503 => None,
            // The try before it, whose answer was lost, is not yet over.
            409 if text.contains("idempotency_in_flight") => None,
            _ => panic!("{path}: {status} {text}"),
        }
    }

    /// The same until it is acknowledged, as often as that takes.
    async fn acknowledged(&self, path: &str, key: Option<&str>, body: &Value) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.call(Method::POST, path, key, body).await {
                return answer;
            }
            assert!(Instant::now() < until, "{path} is not answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

// On an `Arc` the name `load` is diesel's.
fn goes_on(stop: &AtomicBool) -> bool {
    !stop.load(Ordering::Relaxed)
}

/// Makes drafts, each under its key, until told to stop; every third acknowledged key is sent again.
async fn write(
    caller: Caller,
    path: String,
    writer: usize,
    stop: Arc<AtomicBool>,
) -> BTreeMap<String, String> {
    let mut made = BTreeMap::new();
    while goes_on(&stop) && made.len() < 48 {
        let key = format!("writer-{writer}-{}", made.len());
        let input = complete(&key);
        let answer = caller.acknowledged(&path, Some(&key), &input).await;
        if made.len() % 3 == 0 {
            let again = caller.acknowledged(&path, Some(&key), &input).await;
            assert_eq!(again["id"], answer["id"], "{key} had two effects");
        }
        made.insert(key, answer["id"].as_str().expect("an id").to_owned());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    made
}

/// Makes API tokens, each an entry of the audit log. They have no key, so one may be made and not acknowledged.
async fn audited(caller: Caller, stop: Arc<AtomicBool>) -> BTreeSet<String> {
    let expires_at = Clock::system().now() + chrono::Duration::days(30);
    let mut made = BTreeSet::new();
    while goes_on(&stop) && made.len() < 12 {
        let input = json!({ "name": "durable", "scopes": ["read"], "expires_at": expires_at });
        if let Some(token) = caller.call(Method::POST, "/v1/me/tokens", None, &input).await {
            made.insert(token["id"].as_str().expect("an id").to_owned());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    made
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills_and_has_one_effect() {
    let mut service = Service::start();
    let client = service.person("carl-client", "client").await;
    // An organisation for each writer, since one has fifty drafts at most.
    let mut paths = Vec::new();
    for writer in 0..WRITERS {
        let owned = json!({ "name": format!("Durable {writer} Ltd"), "country": "DK" });
        let owned = client.acknowledged("/v1/organisations", Some(&format!("own-{writer}")), &owned).await;
        paths.push(format!("/v1/organisations/{}/projects", owned["id"].as_str().expect("an id")));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = paths
        .iter()
        .enumerate()
        .map(|(n, path)| tokio::spawn(write(client.clone(), path.clone(), n, stop.clone())))
        .collect();
    let auditor = tokio::spawn(audited(client.clone(), stop.clone()));
    let entropy = Entropy::system();
    for round in 0..ROUNDS {
        let [random] = entropy.bytes::<1>();
        tokio::time::sleep(Duration::from_millis(400 + 4 * u64::from(random))).await;
        if round % 2 == 0 { service.kill_postgres().await } else { service.kill_service() }
    }
    // Everybody gets an answer again before they stop.
    client.acknowledged(&paths[0], Some("the-last"), &complete("The last one")).await;
    stop.store(true, Ordering::Relaxed);
    let mut made = BTreeMap::new();
    for writer in writers {
        made.extend(writer.await.expect("a writer"));
    }
    let tokens = auditor.await.expect("the auditor");
    assert!(
        made.len() >= 3 * WRITERS && !tokens.is_empty(),
        "{} drafts, {} tokens",
        made.len(),
        tokens.len()
    );

    let mut conn = service.database().await;
    let query = diesel::sql_query(
        "SELECT title AS name, count(*) AS n FROM projects WHERE title LIKE 'writer-%' GROUP BY 1",
    );
    let rows: Vec<Row> = query.load(&mut conn).await.expect("the rows");
    let kept: BTreeMap<String, i64> = rows.into_iter().map(|row| (row.name, row.n)).collect();
    let wanted: BTreeMap<String, i64> = made.keys().map(|key| (key.clone(), 1)).collect();
    assert_eq!(kept, wanted, "every key has one effect, and no other is there");
    let entries = audit::verify(&mut conn).await.expect("the chain holds");
    let query = diesel::sql_query(
        "SELECT subject AS name, 1::bigint AS n FROM audit_log WHERE action = 'api_token.create'",
    );
    let rows: Vec<Row> = query.load(&mut conn).await.expect("the rows");
    let recorded: BTreeSet<String> = rows.into_iter().map(|row| row.name).collect();
    assert!(tokens.is_subset(&recorded), "{tokens:?} are not all among {recorded:?}");
    println!(
        "{} drafts, {} tokens, {entries} audit entries through {ROUNDS} kills",
        made.len(),
        tokens.len()
    );
}
