//! The hourly comparison with the payment provider's journal: how long it takes, and that it does not grow in memory.
//!
//! `assay-bench reconcile` books payments, transfers and refunds in SQL, starts a provider of its own (this program again,
//! which makes the same journal out of numbers and keeps nothing), and compares by the function that the worker uses, at
//! the pace that Stripe allows (25 pages a second). Once everything is known it compares again, as an hour later.

use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Instant;

use assay_adapters::stripe::{Config, Stripe};
use assay_payments::{Moved, Payments, WebhookSecrets};
use assay_platform::Ctx;
use assay_platform::db::embedded::Cluster;
use assay_platform::db::{Conn, migrate};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

use crate::{Failure, ledger, process, seed};

/// What is measured.
#[derive(clap::Args)]
pub struct Sizes {
    /// Balance transactions of the provider.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    transactions: Vec<u32>,
    /// Pages a second.
    #[arg(long, default_value_t = 25)]
    rate: u32,
}

/// Measures and prints.
pub async fn run(sizes: &Sizes, data_dir: &Path, cluster: &Cluster) -> Result<(), Failure> {
    println!("{}", process::machine());
    println!(
        "| balance transactions | comparison | s | of it waiting for our limit | peak RSS MB | differences |"
    );
    println!("|---|---|---|---|---|---|");
    for count in &sizes.transactions {
        let database = format!("bench_reconcile_{count}");
        seed::create(cluster, &database).await?;
        let url = cluster.url(&database);
        tokio::task::block_in_place(|| migrate::run(&url))?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        let driver = tokio::spawn(connection);
        let started = Instant::now();
        client.batch_execute(include_str!("reconcile.sql")).await?;
        client.execute("SELECT bench_book($1)", &[&i64::from(*count)]).await?;
        client.batch_execute("VACUUM ANALYZE").await?;
        eprintln!("seeded {count} in {:.0} s", started.elapsed().as_secs_f64());
        let mut provider = Provider::start(*count).await?;
        let ctx = ledger::context(data_dir, &url, 4)?;
        for what in ["the first", "an hour later"] {
            compare(what, *count, sizes.rate, &ctx, &provider, &client).await?;
        }
        provider.child.kill().await?;
        drop(client);
        driver.await??;
    }
    Ok(())
}

fn nobody<'a>(
    _ctx: &'a Ctx,
    _conn: &'a mut Conn,
    _moved: &'a Moved,
) -> Pin<Box<dyn Future<Output = assay_kernel::Result<()>> + 'a>> {
    Box::pin(async { Ok(()) })
}

async fn compare(
    what: &str,
    count: u32,
    rate: u32,
    ctx: &Ctx,
    provider: &Provider,
    client: &Client,
) -> Result<(), Failure> {
    let mut config = Config::new(provider.url.parse()?, SecretString::from("sk_bench"));
    config.endpoint_rate = rate;
    let secrets = WebhookSecrets { platform: Vec::new(), connect: Vec::new() };
    let payments = Payments::new(ctx.clone(), Stripe::new(config)?, secrets, nobody);
    // The highest mark of memory so far is forgotten.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let started = Instant::now();
    payments.reconcile().await?;
    let took = started.elapsed().as_secs_f64();
    let waited = (f64::from(count.div_ceil(100)) / f64::from(rate.max(1)) - 1.0).max(0.0).min(took);
    let query = "SELECT count(*) FROM provider_differences WHERE resolved_at IS NULL";
    let differences: i64 = client.query_one(query, &[]).await?.get(0);
    let unbooked: i64 = client
        .query_one("SELECT count(*) FROM provider_transactions WHERE booked IS NULL", &[])
        .await?
        .get(0);
    if unbooked > 0 {
        return Err(format!("{unbooked} transactions found no booking").into());
    }
    println!("| {count} | {what} | {took:.1} | {waited:.1} | {:.0} | {differences} |", peak_mb()?);
    Ok(())
}

fn peak_mb() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
}

/// The provider, in a process of its own, so that its memory is not counted.
struct Provider {
    url: String,
    child: Child,
}

impl Provider {
    async fn start(count: u32) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["provider", "--transactions", &count.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut url = String::new();
        BufReader::new(out).read_line(&mut url).await?;
        Ok(Self { url: url.trim().to_owned(), child })
    }
}

/// The `n`-th balance transaction of the provider, as `bench_book` has booked it: two payments, two transfers, a refund.
fn transaction(n: u32, now: i64) -> Value {
    let (kind, prefix, amount, fee) = match n % 5 {
        0 | 1 => ("charge", "ch", 115_000, 3_365),
        2 | 3 => ("transfer", "tr", -100_000, 0),
        _ => ("refund", "re", -115_000, 0),
    };
    json!({
        "id": format!("txn_{n}"), "object": "balance_transaction", "type": kind, "source": format!("{prefix}_{n}"),
        "amount": amount, "fee": fee, "net": amount - fee, "currency": "usd", "created": now - 3_600, "status": "available",
        "available_on": now - 3_600,
    })
}

/// Answers as the provider does, out of numbers, until it is killed.
pub async fn serve(count: u32) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let now = assay_kernel::Clock::system().now().timestamp();
    let whole: i64 = (0..count).map(|n| transaction(n, now)["net"].as_i64().unwrap_or(0)).sum();
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A client that goes away is no fault.
            let _gone = answer(stream, count, now, whole).await;
        });
    }
}

async fn answer(mut stream: TcpStream, count: u32, now: i64, whole: i64) -> Result<(), Failure> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let length = stream.read(&mut part).await?;
        if length == 0 {
            return Ok(());
        }
        read.extend_from_slice(&part[..length]);
        if !read.ends_with(b"\r\n\r\n") {
            continue;
        }
        let request = String::from_utf8_lossy(&read).into_owned();
        read.clear();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let body = if path.starts_with("/v1/balance_transactions") {
            // Newest first, as the provider lists.
            let after = path.split("starting_after=txn_").nth(1).and_then(|rest| rest.split('&').next());
            let start = after.map_or(Ok(count), str::parse::<u32>)?;
            let end = start.saturating_sub(100);
            let data: Vec<Value> = (end..start).rev().map(|n| transaction(n, now)).collect();
            json!({ "object": "list", "url": "/v1/balance_transactions", "has_more": end > 0, "data": data })
        } else {
            let amount = json!([{ "amount": whole, "currency": "usd" }]);
            json!({ "object": "balance", "available": amount, "pending": [] })
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
    }
}
