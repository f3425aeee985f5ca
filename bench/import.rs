//! Imports of portfolios through the worker, beside the bare cost of the queue.
//!
//! `assay-bench import` starts the service (whose sandbox GitHub has so many invented people), signs them up, asks for
//! their imports, and only then starts a worker of its own, whose time and CPU are measured. The same worker then runs
//! as many jobs that find nothing to do.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use assay_platform::db::embedded::Cluster;
use assay_platform::policy::Policy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;

use crate::Failure;
use crate::process::{self, CpuMeter};
use crate::seed;
use crate::service::{self, Service};

const LEFT: &str = "SELECT count(*) FROM jobs WHERE kind = 'portfolio.import' AND dead_at IS NULL";
const COMPLETED: &str = "SELECT count(*) FROM portfolio_imports WHERE state = 'completed'";
const NOTHING_TO_DO: &str = "INSERT INTO jobs (id, kind, payload, run_at, created_at)
    SELECT gen_random_uuid(), 'portfolio.import', '{\"import\": \"pim_00000000000000000000000000000000\"}', now(), now()
    FROM generate_series(1, $1::bigint)";

/// Measures and prints.
pub async fn run(profiles: u32, binary: &Path, data_dir: &Path, cluster: &Cluster) -> Result<(), Failure> {
    println!("{}", process::machine());
    seed::create(cluster, "bench_import").await?;
    let url = cluster.url("bench_import");
    let github = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let settings = [
        ("ASSAY_SERVER__WORKER", "false".to_owned()),
        ("ASSAY_GITHUB__SANDBOX_PORT", github.port().to_string()),
        ("ASSAY_GITHUB__SANDBOX_PROFILES", profiles.to_string()),
    ];
    let service = Service::start_with(binary, &url, data_dir, &settings).await?;
    let started = Instant::now();
    for number in 1..=profiles {
        ask_for_import(service.address(), &format!("dev-{number:06}")).await?;
    }
    eprintln!("{profiles} people signed up in {:.0} s", started.elapsed().as_secs_f64());

    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let driver = tokio::spawn(connection);
    println!("| jobs | what | jobs/s | CPU ms/job worker | CPU ms/job PostgreSQL |");
    println!("|---|---|---|---|---|");
    measure("imports", profiles, binary, &url, data_dir, github, &client).await?;
    let completed: i64 = client.query_one(COMPLETED, &[]).await?.get(0);
    if completed != i64::from(profiles) {
        eprintln!("{completed} of {profiles} imports were completed");
    }
    client.execute(NOTHING_TO_DO, &[&i64::from(profiles)]).await?;
    measure("nothing to do", profiles, binary, &url, data_dir, github, &client).await?;
    drop(client);
    driver.await??;
    service.stop().await
}

async fn measure(
    what: &str,
    jobs: u32,
    binary: &Path,
    url: &str,
    data_dir: &Path,
    github: SocketAddr,
    client: &tokio_postgres::Client,
) -> Result<(), Failure> {
    let mut worker = service::worker(binary, url, data_dir, github)?;
    let pid = worker.id().ok_or("the worker ended at once")?;
    let meter = CpuMeter::start(pid, url).await?;
    // From the first job done, so that the start of the process is not measured.
    let mut began: Option<(Instant, i64)> = None;
    let left_at_first = loop {
        let left: i64 = client.query_one(LEFT, &[]).await?.get(0);
        match &began {
            None if left < i64::from(jobs) => began = Some((Instant::now(), left)),
            Some((_, first)) if left == 0 => break *first,
            None if left == 0 => break 0,
            _ => {}
        }
        if worker.try_wait()?.is_some() {
            return Err("the worker ended by itself".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let seconds = began.map_or(0.0, |(at, _)| at.elapsed().as_secs_f64()).max(0.001);
    let (worker_ms, postgres_ms) = meter.stop()?.per_request(usize::try_from(jobs)?);
    println!(
        "| {jobs} | {what} | {:.1} | {worker_ms:.3} | {postgres_ms:.3} |",
        left_at_first as f64 / seconds
    );
    worker.start_kill()?;
    worker.wait().await?;
    Ok(())
}

/// Walks the sign-in and the sign-up of one person, and asks for the import.
async fn ask_for_import(service: SocketAddr, login: &str) -> Result<(), Failure> {
    let start = exchange(service, "GET", "/v1/auth/github/start?mode=token", &[], "").await?;
    let cookie = header(&start, "set-cookie")?.split(';').next().unwrap_or_default().to_owned();
    let authorize = format!("{}&login={login}", header(&start, "location")?);
    let (github, path) = place(&authorize)?;
    let back = exchange(github, "GET", &path, &[], "").await?;
    let (_, path) = place(header(&back, "location")?)?;
    let tokens = exchange(service, "GET", &path, &[("cookie", &cookie)], "").await?;
    let tokens: serde_json::Value =
        serde_json::from_str(tokens.split_once("\r\n\r\n").map_or("", |(_, body)| body))?;
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().ok_or("no access token")?);
    let terms = Policy::shipped()?.consents.terms.version;
    let input = serde_json::json!({
        "roles": ["developer"],
        "display_name": login,
        "contact_email": format!("{login}@many.example"),
        "accept_terms_version": terms,
    });
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    demand(&exchange(service, "POST", "/v1/me/sign_up", &headers, &input.to_string()).await?, "200")?;
    demand(&exchange(service, "POST", "/v1/portfolio/imports", &headers[..1], "").await?, "202")
}

fn demand(answer: &str, status: &str) -> Result<(), Failure> {
    match answer.split(' ').nth(1) == Some(status) {
        true => Ok(()),
        false => Err(format!("wanted {status}, got {answer}").into()),
    }
}

fn header<'a>(answer: &'a str, wanted: &str) -> Result<&'a str, Failure> {
    let mut lines = answer.lines().take_while(|line| !line.is_empty());
    let found = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then_some(value)
    });
    found.ok_or_else(|| format!("no {wanted} in {answer}").into())
}

/// Address and path of an `http` URL with a numeric host.
fn place(url: &str) -> Result<(SocketAddr, String), Failure> {
    let rest = url.strip_prefix("http://").ok_or("not an http URL")?;
    let (address, path) = rest.split_once('/').ok_or("a URL without a path")?;
    Ok((address.parse()?, format!("/{path}")))
}

async fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
