//! HTTP/1.1 load: connections kept open, one request at a time on each, answers read whole.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Failure, seed};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Get one open project.
    Get,
    /// List 20 by skill and budget, newest first.
    List,
    /// Search text, best 20; every other query has common words only.
    Search,
    /// Place a bid.
    Bid,
}

impl Operation {
    /// All, in the order of the table.
    pub const ALL: &'static [Operation] = &[Self::Get, Self::List, Self::Search, Self::Bid];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get one project",
            Self::List => "list 20 by skill + budget",
            Self::Search => "text search top 20",
            Self::Bid => "place a bid",
        }
    }
}

/// What is run.
#[derive(Clone, Copy)]
pub struct Plan {
    /// What is asked.
    pub operation: Operation,
    /// Whom.
    pub address: SocketAddr,
    /// Connections.
    pub connections: u32,
    /// Projects in the database.
    pub projects: u32,
    /// Developers in the database.
    pub developers: u32,
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    /// Answers as expected.
    pub requests: usize,
    /// Answers that were not.
    pub errors: usize,
    /// The first of those.
    pub first_error: String,
    elapsed: Duration,
    latencies_us: Vec<u32>,
}

impl Outcome {
    /// An answer came: was it as expected?
    pub fn note(&mut self, expected: bool, latency_us: u32, answer: &[u8]) {
        if expected {
            self.requests += 1;
            self.latencies_us.push(latency_us);
        } else {
            self.errors += 1;
            if self.first_error.is_empty() {
                self.first_error = String::from_utf8_lossy(answer).chars().take(600).collect();
            }
        }
    }

    /// What all connections did, which began at `started`.
    pub fn of_all(parts: impl IntoIterator<Item = Outcome>, started: Instant) -> Self {
        let mut total = Self::default();
        for part in parts {
            total.requests += part.requests;
            total.errors += part.errors;
            if total.first_error.is_empty() {
                total.first_error = part.first_error;
            }
            total.latencies_us.extend(part.latencies_us);
        }
        total.elapsed = started.elapsed();
        total.latencies_us.sort_unstable();
        total
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// A percentile of the latency in milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        percentile(&self.latencies_us, percent)
    }
}

/// A percentile of sorted microseconds, in milliseconds.
pub fn percentile(sorted_us: &[u32], percent: f64) -> f64 {
    if sorted_us.is_empty() {
        return 0.0;
    }
    let index = ((sorted_us.len() - 1) as f64 * percent / 100.0).round() as usize;
    f64::from(sorted_us[index]) / 1000.0
}

/// SplitMix64: repeatable, and different for each connection.
pub struct Random(u64);

impl Random {
    /// A stream.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % u64::from(bound)) as u32
    }
}

// As many as pgbench has, each with connections of its own, so that none is woken by another.
const THREADS: u32 = 2;

/// Runs the plan for a time. `seed` keeps the requests of two runs apart.
pub async fn run(plan: &Plan, duration: Duration, seed: u64) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let (plan, until) = (*plan, started + duration);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            tokio::task::spawn_blocking(move || -> Result<Vec<Outcome>, Failure> {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let mine = (thread..plan.connections).step_by(THREADS as usize);
                runtime.block_on(async {
                    let tasks: Vec<_> = mine.map(|n| tokio::spawn(drive(plan, n, until, seed))).collect();
                    let mut parts = Vec::with_capacity(tasks.len());
                    for task in tasks {
                        parts.push(task.await??);
                    }
                    Ok(parts)
                })
            })
        })
        .collect();
    let mut parts = Vec::new();
    for thread in threads {
        parts.extend(thread.await??);
    }
    Ok(Outcome::of_all(parts, started))
}

async fn drive(plan: Plan, connection: u32, until: Instant, seed: u64) -> Result<Outcome, Failure> {
    let mut stream = Connection::open(plan.address).await?;
    let mut random = Random::new(seed + u64::from(connection) * 7919);
    let mut outcome = Outcome::default();
    let mut turn = 0_u32;
    while Instant::now() < until {
        let request = request(&plan, &mut random, turn);
        turn += 1;
        let (status, latency) = stream.ask(&request).await?;
        let expected = if plan.operation == Operation::Bid { 201 } else { 200 };
        // A pair of developer and project may come up twice.
        let again = plan.operation == Operation::Bid && status == 409;
        outcome.note(status == expected || again, latency, stream.answer());
    }
    Ok(outcome)
}

fn request(plan: &Plan, random: &mut Random, turn: u32) -> String {
    match plan.operation {
        Operation::Get => {
            let id = seed::open_project(random.below(plan.projects));
            format!("GET /v1/projects/prj_{id} HTTP/1.1\r\nhost: bench\r\n\r\n")
        }
        Operation::List => {
            let skill = seed::SKILLS[random.below(seed::SKILLS.len() as u32) as usize];
            let (least, most) = seed::BUDGET_RANGE;
            format!(
                "GET /v1/projects?skills={skill}&budget_min={least}&budget_max={most}&limit=20 HTTP/1.1\r\nhost: bench\r\n\r\n"
            )
        }
        Operation::Search => {
            let words = seed::query_words(turn, random);
            format!("GET /v1/projects?q={} HTTP/1.1\r\nhost: bench\r\n\r\n", words.replace(' ', "+"))
        }
        Operation::Bid => {
            // The service's bidders are the first half of the developers, pgbench's the second.
            let developer = random.below(plan.developers / 2);
            let project = random.below(plan.projects);
            let id = seed::open_project(project);
            let body = seed::bid_body(&id);
            format!(
                "POST /v1/projects/prj_{id}/bids HTTP/1.1\r\nhost: bench\r\ncookie: __Host-session={}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                seed::session_token(developer),
                body.len()
            )
        }
    }
}

/// A connection that is kept open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Asks and reads the answer whole: its status, and the microseconds that it took.
    pub async fn ask(&mut self, request: &str) -> Result<(u16, u32), Failure> {
        let sent = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        let status = self.read_answer().await?;
        Ok((status, u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX)))
    }

    /// The text of the last answer.
    pub fn answer(&self) -> &[u8] {
        &self.buffer
    }

    async fn read_answer(&mut self) -> Result<u16, Failure> {
        let Self { stream, buffer } = self;
        buffer.clear();
        loop {
            if let Some(end) = find(buffer, b"\r\n\r\n") {
                let head = std::str::from_utf8(&buffer[..end])?.to_ascii_lowercase();
                let status: u16 = head.get(9..12).ok_or("no status")?.parse()?;
                let length: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .ok_or("no content-length")?
                    .trim()
                    .parse()?;
                let whole = end + 4 + length;
                while buffer.len() < whole {
                    if stream.read_buf(buffer).await? == 0 {
                        return Err("the service closed the connection".into());
                    }
                }
                return Ok(status);
            }
            if stream.read_buf(buffer).await? == 0 {
                return Err("the service closed the connection".into());
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
