//! Load on the running service, beside the same SQL by pgbench on the same cluster in the same run.
//!
//! `cargo run --release -p assay-bench` builds the service, starts a private cluster and the service on it, seeds, and
//! prints the table of `docs/PERFORMANCE.md`. Operations: get one project, list by skill and budget, text search, place
//! a bid; 32 connections. `… -- import` measures imports of portfolios instead ([`import`]), `… -- assessments` slots and
//! bookings ([`assessments`]), `… -- ledger` releases of money and statements ([`ledger`]), `… -- reconcile` the comparison
//! with the payment provider's journal ([`reconcile`]).

mod assessments;
mod calendar;
mod import;
mod ledger;
mod load;
mod matching;
mod pgbench;
mod process;
mod reconcile;
mod seed;
mod service;

use std::path::PathBuf;
use std::time::Duration;

use assay_platform::db::embedded::{Cluster, Options};
use clap::{Parser, Subcommand};

use load::Operation;
use process::CpuMeter;

/// Benchmarks the service over HTTP beside pgbench.
#[derive(Parser)]
struct Arguments {
    /// Sizes: projects in the database.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    sizes: Vec<u32>,
    /// Developers.
    #[arg(long, default_value_t = 50_000)]
    developers: u32,
    /// Bids, six a developer at most.
    #[arg(long, default_value_t = 300_000)]
    bids: u32,
    /// Seconds of each measurement.
    #[arg(long, global = true, default_value_t = 8)]
    seconds: u64,
    /// Connections: 32, and 16 for assessments and matching, when not given.
    #[arg(long, global = true)]
    connections: Option<u32>,
    /// Run the worker in the process that serves, as on one machine; in production it is a process of its own.
    #[arg(long)]
    with_worker: bool,
    /// The service's binary; built in release mode when not given.
    #[arg(long, global = true)]
    binary: Option<PathBuf>,
    /// Where the clusters live; a fresh folder in the temp directory when not given.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    mode: Option<Mode>,
}

#[derive(Subcommand)]
enum Mode {
    /// Imports of portfolios through the worker, beside the bare cost of the queue.
    Import {
        /// People whose work is imported.
        #[arg(long, default_value_t = 1_000)]
        profiles: u32,
    },
    /// Slots and bookings of assessments, beside the bare insert of a booking.
    Assessments(assessments::Sizes),
    /// Releases of money, beside a bare insert and beside balances that change in place; statements.
    Ledger(ledger::Sizes),
    /// The comparison with the payment provider's journal: time and memory.
    Reconcile(reconcile::Sizes),
    /// The provider that `reconcile` compares with.
    #[command(hide = true)]
    Provider {
        /// Its balance transactions.
        #[arg(long)]
        transactions: u32,
    },
    /// Rankings, the rebuild of their columns, the time until a change is seen; beside PostgreSQL's own ranking.
    Matching(matching::Sizes),
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    if let Some(Mode::Provider { transactions }) = &arguments.mode {
        return reconcile::serve(*transactions).await;
    }
    let binary = match (&arguments.mode, arguments.binary.clone()) {
        (_, Some(binary)) => binary,
        // Runs in this process.
        (Some(Mode::Ledger(_) | Mode::Reconcile(_) | Mode::Provider { .. }), None) => PathBuf::new(),
        (_, None) => service::build().await?,
    };
    let data_dir = arguments
        .data_dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("assay-bench-{}", std::process::id())));
    let cluster_dir = data_dir.join("cluster");
    std::fs::create_dir_all(&cluster_dir)?;
    let cluster = Cluster::start(&Options { data_dir: cluster_dir, durable: true })?;
    let outcome = match &arguments.mode {
        Some(Mode::Import { profiles }) => import::run(*profiles, &binary, &data_dir, &cluster).await,
        Some(Mode::Assessments(sizes)) => {
            let connections = arguments.connections.unwrap_or(16);
            let bench =
                assessments::Bench { binary: &binary, data_dir: &data_dir, cluster: &cluster, connections };
            bench.run(sizes, Duration::from_secs(arguments.seconds)).await
        }
        Some(Mode::Ledger(sizes)) => {
            ledger::run(sizes, &data_dir, &cluster, Duration::from_secs(arguments.seconds)).await
        }
        Some(Mode::Reconcile(sizes)) => reconcile::run(sizes, &data_dir, &cluster).await,
        // Served above.
        Some(Mode::Provider { .. }) => Ok(()),
        Some(Mode::Matching(sizes)) => {
            let connections = arguments.connections.unwrap_or(16);
            let bench =
                matching::Bench { binary: &binary, data_dir: &data_dir, cluster: &cluster, connections };
            bench.run(sizes, Duration::from_secs(arguments.seconds)).await
        }
        None => run(&arguments, &binary, &data_dir, &cluster).await,
    };
    cluster.stop()?;
    if arguments.data_dir.is_none() {
        std::fs::remove_dir_all(&data_dir)?;
    }
    outcome
}

async fn run(
    arguments: &Arguments,
    binary: &std::path::Path,
    data_dir: &std::path::Path,
    cluster: &Cluster,
) -> Result<(), Failure> {
    let connections = arguments.connections.unwrap_or(32);
    println!("{}", process::machine());
    println!(
        "| projects | operation | by | req/s | p50 ms | p99 ms | CPU ms/req service | CPU ms/req PostgreSQL | service RSS MB | rate ÷ pgbench |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for size in &arguments.sizes {
        let database = format!("bench_{size}");
        seed::create(cluster, &database).await?;
        let url = cluster.url(&database);
        // The first start migrates and stores the policy and the taxonomy.
        service::Service::start(binary, &url, data_dir, false).await?.stop().await?;
        let started = std::time::Instant::now();
        seed::fill(&url, *size, arguments.developers, arguments.bids).await?;
        eprintln!("seeded {size} projects in {:.0} s", started.elapsed().as_secs_f64());
        let service = service::Service::start(binary, &url, data_dir, arguments.with_worker).await?;
        for operation in Operation::ALL {
            let duration = Duration::from_secs(arguments.seconds);
            let plan = load::Plan {
                operation: *operation,
                address: service.address(),
                connections,
                projects: *size,
                developers: arguments.developers,
            };
            load::run(&plan, Duration::from_secs(2), 0).await?;
            let meter = CpuMeter::start(service.pid(), &url).await?;
            let result = load::run(&plan, duration, 1_000_000).await?;
            let cpu = meter.stop()?;
            let scripts = pgbench::scripts(*operation, *size, arguments.developers);
            let script = pgbench::run(cluster, &database, &scripts, connections, duration).await?;
            let (service_ms, postgres_ms) = cpu.per_request(result.requests);
            println!(
                "| {size} | {} | service | {:.0} | {:.2} | {:.2} | {service_ms:.3} | {postgres_ms:.3} | {:.0} | {:.2} |",
                operation.name(),
                result.rate(),
                result.percentile(50.0),
                result.percentile(99.0),
                process::rss_mb(service.pid()),
                result.rate() / script.rate,
            );
            println!(
                "| {size} | {} | pgbench | {:.0} | {:.2} | {:.2} | – | {:.3} | – | 1.00 |",
                operation.name(),
                script.rate,
                script.p50_ms,
                script.p99_ms,
                script.postgres_ms,
            );
            if result.errors > 0 {
                eprintln!(
                    "{}: {} answers were not as expected, first: {}",
                    operation.name(),
                    result.errors,
                    result.first_error
                );
            }
        }
        service.stop().await?;
    }
    Ok(())
}
