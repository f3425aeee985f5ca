//! Slots and bookings of assessments over HTTP, beside the bare insert of a booking by pgbench.
//!
//! `assay-bench assessments` fills a database for each number of stored sessions ([`crate::calendar`]). Measured are the
//! starts of 28 days on a track, and candidates who hold a start that was offered before the run, each another one, and
//! book it. Starts run out and people meet: what was refused with 409 is counted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use assay_platform::db::embedded::Cluster;

use crate::calendar::{self, CANDIDATES, Calendar, TRACKS};
use crate::load::{Connection, Outcome, Random};
use crate::process::CpuMeter;
use crate::service::Service;
use crate::{Failure, pgbench, process, seed};

/// What is measured.
#[derive(clap::Args)]
pub struct Sizes {
    /// Sessions that are over, in the database.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000], value_parser = clap::value_parser!(u32).range(1..))]
    sessions: Vec<u32>,
    /// Assessors of each track; an even number.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=200))]
    hosts: u32,
}

/// With what it is measured.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// The service.
    pub binary: &'a Path,
    /// Where it keeps its files.
    pub data_dir: &'a Path,
    /// The database server.
    pub cluster: &'a Cluster,
    /// Connections.
    pub connections: u32,
}

/// A row of the table.
struct Row {
    what: &'static str,
    by: &'static str,
    rate: f64,
    percentiles: [f64; 3],
    service_ms: Option<f64>,
    postgres_ms: f64,
    /// Percent of the holds that were refused.
    refused: Option<f64>,
    /// The rate over pgbench's.
    beside: Option<f64>,
}

impl Row {
    fn print(&self, sessions: u32) {
        let some =
            |value: Option<f64>, digits: usize| value.map_or("–".to_owned(), |v| format!("{v:.digits$}"));
        let Self { what, by, rate, percentiles: [p50, p95, p99], postgres_ms, .. } = self;
        println!(
            "| {sessions} | {what} | {by} | {rate:.0} | {p50:.2} | {p95:.2} | {p99:.2} | {} | {postgres_ms:.3} | {} | {} |",
            some(self.service_ms, 3),
            some(self.refused, 1),
            some(self.beside, 3),
        );
    }
}

impl Bench<'_> {
    /// Measures and prints.
    pub async fn run(&self, sizes: &Sizes, duration: Duration) -> Result<(), Failure> {
        println!("{}", process::machine());
        println!(
            "| stored sessions | operation | by | rate/s | p50 ms | p95 ms | p99 ms | CPU ms service | CPU ms PostgreSQL | 409 % | rate ÷ pgbench |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|");
        for sessions in &sizes.sessions {
            let calendar = Calendar { sessions: *sessions, hosts: sizes.hosts.next_multiple_of(2) };
            self.measure(calendar, duration).await?;
        }
        Ok(())
    }

    async fn measure(&self, calendar: Calendar, duration: Duration) -> Result<(), Failure> {
        let database = format!("bench_assessments_{}", calendar.sessions);
        seed::create(self.cluster, &database).await?;
        let url = self.cluster.url(&database);
        Service::start(self.binary, &url, self.data_dir, false).await?.stop().await?;
        let started = Instant::now();
        calendar.fill(&url).await?;
        eprintln!("seeded {} sessions in {:.0} s", calendar.sessions, started.elapsed().as_secs_f64());
        let service = Service::start(self.binary, &url, self.data_dir, false).await?;

        self.slots(&service, Duration::from_secs(1), 0).await?;
        let meter = CpuMeter::start(service.pid(), &url).await?;
        let slots = self.slots(&service, duration, 1_000_000).await?;
        let (service_ms, postgres_ms) = meter.stop()?.per_request(slots.requests);
        let percentiles = [50.0, 95.0, 99.0];
        let row = Row {
            what: "slots of 28 days",
            by: "service",
            rate: slots.rate(),
            percentiles: percentiles.map(|percent| slots.percentile(percent)),
            service_ms: Some(service_ms),
            postgres_ms,
            refused: None,
            beside: None,
        };
        row.print(calendar.sessions);
        tell("slots", &slots);

        let offered = offered(&service).await?;
        let meter = CpuMeter::start(service.pid(), &url).await?;
        let (booked, refused) = self.bookings(&service, offered, duration).await?;
        let (service_ms, postgres_ms) = meter.stop()?.per_request(booked.requests);
        let scripts = [calendar.insert_sql(self.connections)];
        let bare = pgbench::run(self.cluster, &database, &scripts, self.connections, duration).await?;
        let asked = booked.requests + booked.errors + refused;
        let row = Row {
            what: "hold and book",
            by: "service",
            rate: booked.rate(),
            percentiles: percentiles.map(|percent| booked.percentile(percent)),
            service_ms: Some(service_ms),
            postgres_ms,
            refused: Some(refused as f64 * 100.0 / asked.max(1) as f64),
            beside: Some(booked.rate() / bare.rate),
        };
        row.print(calendar.sessions);
        tell("bookings", &booked);
        let row = Row {
            what: "insert of a booking",
            by: "pgbench",
            rate: bare.rate,
            percentiles: [bare.p50_ms, bare.p95_ms, bare.p99_ms],
            service_ms: None,
            postgres_ms: bare.postgres_ms,
            refused: None,
            beside: Some(1.0),
        };
        row.print(calendar.sessions);
        service.stop().await
    }

    /// Candidates of the first track ask for its starts.
    async fn slots(&self, service: &Service, duration: Duration, seed: u64) -> Result<Outcome, Failure> {
        let (address, started) = (service.address(), Instant::now());
        self.all(started, |connection| async move {
            let mut random = Random::new(seed + u64::from(connection) * 7919);
            let (mut stream, mut outcome) = (Connection::open(address).await?, Outcome::default());
            while started.elapsed() < duration {
                let candidate = random.below(CANDIDATES / TRACKS) * TRACKS;
                let (status, latency) = stream.ask(&slots_request(candidate)).await?;
                outcome.note(status == 200, latency, stream.answer());
            }
            Ok(outcome)
        })
        .await
    }

    /// Candidates hold and book; answers what was booked, and how many holds were refused.
    async fn bookings(
        &self,
        service: &Service,
        offered: Vec<Vec<String>>,
        duration: Duration,
    ) -> Result<(Outcome, usize), Failure> {
        let (address, started) = (service.address(), Instant::now());
        let (offered, next, refused) =
            (Arc::new(offered), Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&refused);
        let outcome = self
            .all(started, |connection| {
                let (offered, next, refused) = (Arc::clone(&offered), Arc::clone(&next), Arc::clone(&count));
                async move {
                    let mut random = Random::new(u64::from(connection) * 7919);
                    let (mut stream, mut outcome) = (Connection::open(address).await?, Outcome::default());
                    while started.elapsed() < duration {
                        let candidate = next.fetch_add(1, Ordering::Relaxed);
                        if candidate >= CANDIDATES {
                            break;
                        }
                        let starts = &offered[(candidate % TRACKS) as usize];
                        let start = &starts[random.below(u32::try_from(starts.len())?) as usize];
                        let hold = post(candidate, "hold", "", &format!("{{\"starts_at\":\"{start}\"}}"));
                        let (status, held_in) = stream.ask(&hold).await?;
                        if status == 409 {
                            refused.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        let Some(seen) = etag(stream.answer()).filter(|_| status == 200) else {
                            outcome.note(false, held_in, stream.answer());
                            continue;
                        };
                        let book = post(candidate, "book", &format!("if-match: {seen}\r\n"), "");
                        let (status, booked_in) = stream.ask(&book).await?;
                        outcome.note(status == 200, held_in + booked_in, stream.answer());
                    }
                    Ok(outcome)
                }
            })
            .await?;
        Ok((outcome, refused.load(Ordering::Relaxed) as usize))
    }

    /// Runs all connections, from `started` on.
    async fn all<F>(&self, started: Instant, drive: impl Fn(u32) -> F) -> Result<Outcome, Failure>
    where
        F: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let tasks: Vec<_> = (0..self.connections).map(|connection| tokio::spawn(drive(connection))).collect();
        let mut parts = Vec::with_capacity(tasks.len());
        for task in tasks {
            parts.push(task.await??);
        }
        Ok(Outcome::of_all(parts, started))
    }
}

fn tell(what: &str, outcome: &Outcome) {
    if outcome.errors > 0 {
        eprintln!("{what}: {} answers were not as expected, first: {}", outcome.errors, outcome.first_error);
    }
}

fn slots_request(candidate: u32) -> String {
    let (track, token) = (calendar::track(candidate % TRACKS), seed::session_token(candidate));
    format!(
        "GET /v1/assessments/slots?track={track} HTTP/1.1\r\nhost: bench\r\ncookie: __Host-session={token}\r\n\r\n"
    )
}

/// An act of a candidate on their assessment. `headers` end with a line break.
fn post(candidate: u32, act: &str, headers: &str, body: &str) -> String {
    let (id, token) = (calendar::assessment(candidate), seed::session_token(candidate));
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    format!(
        "POST /v1/assessments/asm_{id}/{act} HTTP/1.1\r\nhost: bench\r\ncookie: __Host-session={token}\r\n{headers}{kind}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn etag(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    text.lines().find_map(|line| line.strip_prefix("etag: ").map(str::to_owned))
}

/// The starts that each track's first candidate is offered.
async fn offered(service: &Service) -> Result<Vec<Vec<String>>, Failure> {
    let mut stream = Connection::open(service.address()).await?;
    let mut all = Vec::new();
    for candidate in 0..TRACKS {
        stream.ask(&slots_request(candidate)).await?;
        let answer = String::from_utf8_lossy(stream.answer());
        let body: serde_json::Value =
            serde_json::from_str(answer.split_once("\r\n\r\n").map_or("", |(_, body)| body))?;
        let starts = body["data"].as_array().ok_or_else(|| format!("no starts: {answer}"))?;
        let starts: Vec<String> =
            starts.iter().filter_map(|slot| slot["starts_at"].as_str().map(str::to_owned)).collect();
        if starts.is_empty() {
            return Err(format!("{} has no free start", calendar::track(candidate)).into());
        }
        all.push(starts);
    }
    Ok(all)
}
