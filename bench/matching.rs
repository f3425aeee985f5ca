//! Rankings over HTTP and the columns behind them, beside PostgreSQL that does the same by itself.
//!
//! `assay-bench matching` fills a database with approved developers (skills, rates, hours, zones) and open projects for
//! each size. Measured are: how long a process needs from its start until it can rank (the full rebuild), rankings at
//! `connections` connections, the time from a change until a ranking shows it, and, on the same data, one statement that
//! finds by a GIN index who has every must-skill, filters, scores and sorts the best fifty.

use std::path::Path;
use std::time::{Duration, Instant};

use assay_platform::crypto::sha256;
use assay_platform::db::embedded::Cluster;
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use crate::load::{Connection, Outcome, Random};
use crate::process::CpuMeter;
use crate::service::Service;
use crate::{Failure, pgbench, process, seed};

/// Open projects.
const PROJECTS: u32 = 400;
/// How often the time until a change is seen is taken.
const CHANGES: usize = 20;

/// What is measured.
#[derive(clap::Args)]
pub struct Sizes {
    /// Developers.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000], value_parser = clap::value_parser!(u32).range(100..))]
    developers: Vec<u32>,
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

impl Bench<'_> {
    /// Measures and prints.
    pub async fn run(&self, sizes: &Sizes, duration: Duration) -> Result<(), Failure> {
        println!("{}", process::machine());
        println!(
            "| developers | what | rate/s | p50 ms | p95 ms | p99 ms | CPU ms service | CPU ms PostgreSQL |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for developers in &sizes.developers {
            self.measure(*developers, duration).await?;
        }
        Ok(())
    }

    async fn measure(&self, developers: u32, duration: Duration) -> Result<(), Failure> {
        let database = format!("bench_matching_{developers}");
        seed::create(self.cluster, &database).await?;
        let url = self.cluster.url(&database);
        Service::start(self.binary, &url, self.data_dir, false).await?.stop().await?;
        let started = Instant::now();
        fill(&url, developers).await?;
        eprintln!("seeded {developers} developers in {:.0} s", started.elapsed().as_secs_f64());

        let started = Instant::now();
        let service = Service::start(self.binary, &url, self.data_dir, true).await?;
        let status = ready(&service).await?;
        let waited = started.elapsed();
        let each = status["bytes"].as_f64().unwrap_or(0.0) / f64::from(developers);
        println!(
            "| {developers} | full rebuild: {:.1} s ({:.1} s from the start of the process); {each:.0} bytes a developer with skills and their maps; process {:.0} MB | – | – | – | – | – | – |",
            status["built_in_ms"].as_f64().unwrap_or(0.0) / 1000.0,
            waited.as_secs_f64(),
            process::rss_mb(service.pid()),
        );

        self.load(&service, Duration::from_secs(2), 0).await?;
        // As autovacuum does within a minute: until then sessions keep the plans of empty tables.
        analyze(&url).await?;
        let meter = CpuMeter::start(service.pid(), &url).await?;
        let outcome = self.load(&service, duration, 1_000_000).await?;
        let (service_ms, postgres_ms) = meter.stop()?.per_request(outcome.requests);
        println!(
            "| {developers} | a ranking over HTTP, {} connections | {:.0} | {:.2} | {:.2} | {:.2} | {service_ms:.3} | {postgres_ms:.3} |",
            self.connections,
            outcome.rate(),
            outcome.percentile(50.0),
            outcome.percentile(95.0),
            outcome.percentile(99.0),
        );
        if outcome.errors > 0 {
            eprintln!("{} answers were not as expected, first: {}", outcome.errors, outcome.first_error);
        }
        let mut seen = visible(&service).await?;
        seen.sort_unstable();
        println!(
            "| {developers} | until a change is seen: middle {:.0} ms, slowest of {CHANGES} {:.0} ms | – | – | – | – | – | – |",
            seen[seen.len() / 2].as_secs_f64() * 1000.0,
            seen[seen.len() - 1].as_secs_f64() * 1000.0,
        );
        service.stop().await?;

        for connections in [1, self.connections] {
            let scripts = [by_postgres()];
            let plain = pgbench::run(self.cluster, &database, &scripts, connections, duration).await?;
            println!(
                "| {developers} | PostgreSQL: GIN, filter, score, best 50; {connections} connections | {:.0} | {:.2} | {:.2} | {:.2} | – | {:.3} |",
                plain.rate, plain.p50_ms, plain.p95_ms, plain.p99_ms, plain.postgres_ms,
            );
        }
        Ok(())
    }

    async fn load(&self, service: &Service, duration: Duration, from: u64) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let address = service.address();
        let drive = |connection: u32| async move {
            let mut stream = Connection::open(address).await?;
            let mut random = Random::new(from + u64::from(connection) * 7919);
            let mut outcome = Outcome::default();
            while started.elapsed() < duration {
                let project = random.below(PROJECTS);
                let (status, latency) = stream.ask(&ranking(project)).await?;
                outcome.note(status == 201, latency, stream.answer());
            }
            Ok::<_, Failure>(outcome)
        };
        let tasks: Vec<_> = (0..self.connections).map(|connection| tokio::spawn(drive(connection))).collect();
        let mut parts = Vec::new();
        for task in tasks {
            parts.push(task.await??);
        }
        Ok(Outcome::of_all(parts, started))
    }
}

/// The client of a project asks for its ranking.
fn ranking(project: u32) -> String {
    let body = "{}";
    format!(
        "POST /v1/projects/prj_{}/matches HTTP/1.1\r\nhost: bench\r\ncookie: __Host-session={}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        id("0001", project),
        client_token(project % 100),
        body.len()
    )
}

fn id(kind: &str, n: u32) -> String {
    format!("00000000{kind}700080000000{n:08x}")
}

fn client_token(n: u32) -> String {
    format!("bench-client-{n:08x}")
}

fn body_of(answer: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(answer)?;
    let (_, body) = text.split_once("\r\n\r\n").ok_or("no body")?;
    Ok(serde_json::from_str(body)?)
}

/// Waits until the process can rank; answers what it says of its columns.
async fn ready(service: &Service) -> Result<Value, Failure> {
    let mut stream = Connection::open(service.address()).await?;
    let request = format!(
        "GET /v1/matches/status HTTP/1.1\r\nhost: bench\r\ncookie: __Host-session={}\r\n\r\n",
        client_token(0)
    );
    for _ in 0..12_000 {
        let (status, _) = stream.ask(&request).await?;
        if status != 200 {
            return Err(format!("{}", String::from_utf8_lossy(stream.answer())).into());
        }
        let body = body_of(stream.answer())?;
        if body["ready"] == true {
            return Ok(body);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("the developers were not read".into())
}

/// Whoever stands first says that they take no work, and later that they do again: how long until a ranking heard of it
/// by the event (leaving alone would be found in the tables at once).
async fn visible(service: &Service) -> Result<Vec<Duration>, Failure> {
    let mut stream = Connection::open(service.address()).await?;
    let mut times = Vec::new();
    for at in 0..CHANGES {
        let project = at as u32;
        let first = first(&mut stream, project).await?.0.ok_or("nobody fits")?;
        let n = u32::from_str_radix(&first[first.len() - 8..], 16)?;
        say(&mut stream, n, true).await?;
        let started = Instant::now();
        loop {
            let (now, stale) = self::first(&mut stream, project).await?;
            if now.as_ref() != Some(&first) && stale == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(started.elapsed());
        say(&mut stream, n, false).await?;
    }
    Ok(times)
}

async fn first(stream: &mut Connection, project: u32) -> Result<(Option<String>, u64), Failure> {
    let (status, _) = stream.ask(&ranking(project)).await?;
    if status != 201 {
        return Err(format!("{}", String::from_utf8_lossy(stream.answer())).into());
    }
    let body = body_of(stream.answer())?;
    let first = body["places"][0]["developer"]["id"].as_str().map(str::to_owned);
    Ok((first, body["stale"].as_u64().unwrap_or(0)))
}

async fn say(stream: &mut Connection, developer: u32, paused: bool) -> Result<(), Failure> {
    let body = format!("{{\"paused\":{paused}}}");
    let request = format!(
        "PUT /v1/me/match_preferences HTTP/1.1\r\nhost: bench\r\ncookie: __Host-session={}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        seed::session_token(developer),
        body.len()
    );
    let (status, _) = stream.ask(&request).await?;
    if status == 200 { Ok(()) } else { Err(format!("{}", String::from_utf8_lossy(stream.answer())).into()) }
}

/// Developers with six or seven skills, projects with one or two must-skills; and the same as one table with a GIN index
/// for PostgreSQL's own ranking.
async fn fill(url: &str, developers: u32) -> Result<(), Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    client.batch_execute(&seed::developers_sql(developers)).await?;
    for statement in people(developers) {
        client.batch_execute(&statement).await?;
    }
    sessions(&client).await?;
    client.batch_execute("VACUUM (ANALYZE)").await?;
    client.batch_execute("CHECKPOINT").await?;
    drop(client);
    driver.await??;
    Ok(())
}

async fn analyze(url: &str) -> Result<(), Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    client.batch_execute("VACUUM (ANALYZE) events, rankings, impressions, organisation_members").await?;
    drop(client);
    driver.await??;
    Ok(())
}

/// Clients' sessions.
async fn sessions(client: &Client) -> Result<(), Failure> {
    for n in 0..100_u32 {
        let hash = sha256(client_token(n).as_bytes());
        client
            .execute(
                "INSERT INTO sessions (id, account_id, kind, token_hash, user_agent, ip, created_at, authenticated_at, last_seen_at, expires_at)
                 VALUES (gen_random_uuid(), bench_id('0005', $1), 'browser', $2, 'bench', '127.0.0.1', now(), now(),
                         now() + interval '6 hours', now() + interval '1 day')",
                &[&i64::from(n), &hash.as_slice()],
            )
            .await?;
    }
    Ok(())
}

fn people(developers: u32) -> Vec<String> {
    let skills: Vec<String> = seed::SKILLS.iter().map(|skill| format!("'{skill}'")).collect();
    let (skills, count) = (skills.join(","), seed::SKILLS.len());
    let zones =
        "'Europe/Berlin','America/New_York','Asia/Kolkata','Europe/London','America/Los_Angeles','UTC'";
    vec![
        "INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails, terms_version, version, created_at, updated_at)
         SELECT bench_id('0005', n), 9000000 + n, 'client-' || n, 'active', '{client}', 'Client ' || n, 'client' || n || '@example.org', '[]', '2026-11-01', 1, now(), now()
         FROM generate_series(0, 99) n;
         INSERT INTO staff_permissions (account_id, permission, granted_at, reason) VALUES (bench_id('0005', 0), 'curator', now(), 'bench');
         INSERT INTO organisations (id, name, country, created_by_id, verified_at, verified_by_id, version, created_at, updated_at)
         SELECT bench_id('0008', n), 'Organisation ' || n, 'DE', bench_id('0005', n), now(), bench_id('0005', 0), 1, now(), now() FROM generate_series(0, 99) n;
         INSERT INTO organisation_members (organisation_id, account_id, role, created_at)
         SELECT bench_id('0008', n), bench_id('0005', n), 'owner', now() FROM generate_series(0, 99) n"
            .to_owned(),
        format!(
            "UPDATE accounts SET time_zone = (ARRAY[{zones}])[1 + github_id % 6] WHERE login LIKE 'dev-%';
             INSERT INTO applications (id, account_id, state, tracks, hours_per_week, rate_amount, rate_currency, languages, policy_version, created_at, updated_at)
             SELECT bench_id('0007', n), bench_id('0004', n), 'approved', ARRAY['backend'], (ARRAY[15,20,30,40])[1 + n % 4], 4000 + n * 7 % 8000, 'USD', '[]',
                    (SELECT version FROM policies LIMIT 1), now(), now() FROM generate_series(0, {developers} - 1) n;
             INSERT INTO approvals (id, application_id, account_id, state, granted_by_id, granted_at, expires_at, reason, version, policy_version)
             SELECT bench_id('0007', n), bench_id('0007', n), bench_id('0004', n), 'active', bench_id('0005', 0), now(), now() + interval '400 days', 'bench', 1,
                    (SELECT version FROM policies LIMIT 1) FROM generate_series(0, {developers} - 1) n"
        ),
        format!(
            "INSERT INTO portfolio_skills (account_id, skill, derived, claimed, removed, share_bps, repositories, pull_requests, updated_at)
             SELECT bench_id('0004', n), (ARRAY[{skills}])[1 + (n::bigint * 31 + k * (k + 3) / 2 + n % 7 * k) % {count}], true, false, false,
                    (n % 20) * 100, n % 8, (n + k) % 9, now()
             FROM generate_series(0, {developers} - 1) n CROSS JOIN generate_series(0, 6) k ON CONFLICT DO NOTHING"
        ),
        format!(
            "INSERT INTO projects (id, organisation_id, posted_by_id, state, title, description, budget_amount, budget_currency, budget_usd_minor, effort_hours,
                starts_on, duration_days, time_zone, overlap_hours, confidentiality, skills, milestones, version, listed_at, expires_at, last_client_act_at, policy_version, created_at, updated_at)
             SELECT bench_id('0001', n), bench_id('0008', n % 100), bench_id('0005', n % 100), 'listed', 'Project ' || n, 'Bench', 2000000, 'USD', 2000000, 180 + n % 160,
                current_date + 20, 60, 'Europe/Berlin', n % 5, 'public',
                jsonb_build_array(
                    jsonb_build_object('skill', (ARRAY[{skills}])[1 + n % {count}], 'level', 'proficient', 'must', true),
                    jsonb_build_object('skill', (ARRAY[{skills}])[1 + (n + 3) % {count}], 'level', 'proficient', 'must', n % 2 = 0),
                    jsonb_build_object('skill', (ARRAY[{skills}])[1 + (n + 9) % {count}], 'level', 'working', 'must', false)),
                '[]', 1, now(), now() + interval '20 days', now(), (SELECT version FROM policies LIMIT 1), now(), now()
             FROM generate_series(0, {PROJECTS} - 1) n"
        ),
        "CREATE UNLOGGED TABLE bench_developers AS
         SELECT a.id, o.rate_amount, o.hours_per_week, (1 + a.github_id % 6)::int AS zone, random() AS technical, random() AS collaboration,
                array_agg(s.skill) AS skills
         FROM accounts a JOIN applications o ON o.account_id = a.id JOIN portfolio_skills s ON s.account_id = a.id GROUP BY 1, 2, 3, 4;
         CREATE INDEX bench_developers_skills ON bench_developers USING gin (skills)"
            .to_owned(),
    ]
}

/// The same question to PostgreSQL alone: who has every must-skill, within the limits, by the formula of the value.
fn by_postgres() -> String {
    format!(
        "\\set n random(0, {} - 1)
SELECT d.id,
    1 / (1 + exp(-(0.8 + 3.0 * least(1.5, ln(p.rate / d.rate_amount)) + 0.5)))
    * 1 / (1 + exp(-(0.6 + 0.45 * d.technical + 0.25 * d.collaboration + 0.35))) AS value
FROM (SELECT array_agg(s->>'skill') AS must, budget_usd_minor::float8 / effort_hours AS rate, effort_hours * 7 / 60 AS hours
      FROM projects, jsonb_array_elements(skills) s WHERE id = bench_id('0001', :n) AND (s->>'must')::bool GROUP BY 2, 3) p
JOIN bench_developers d ON d.skills @> p.must AND d.rate_amount <= p.rate AND d.hours_per_week >= p.hours
ORDER BY value DESC LIMIT 50;
",
        PROJECTS
    )
}
