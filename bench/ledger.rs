//! Releases through our code, beside a bare insert and beside a ledger that changes every balance in place.
//!
//! `assay-bench ledger` posts releases with the platform's fee, over many milestones and developers, by the function that
//! the service uses: as a statement of its own, and inside a transaction as the decision of a milestone does. pgbench
//! runs the others on the same cluster in the same run. Machines that are shared change their speed within seconds, so
//! all take turns, and the middle of the turns is told. Then statements are read from accounts with many entries.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assay_kernel::money::Currency;
use assay_kernel::{Clock, Entropy, IdSource, Money};
use assay_ledger::{AccountKind, AccountRef, Event, Held, Scope};
use assay_platform::Ctx;
use assay_platform::config::Config;
use assay_platform::crypto::Keyring;
use assay_platform::db::embedded::Cluster;
use assay_platform::db::{Db, PoolOptions, migrate};
use assay_platform::policy::Policy;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::load::{Outcome, percentile};
use crate::{Failure, pgbench, process, seed};

const DATABASE: &str = "bench_ledger";
const CONNECTIONS: [u32; 3] = [1, 8, 32];
/// Each milestone is released in so many parts.
const PARTS: u64 = 10;
const PART: i64 = 10_000;
/// Turns that each takes.
const TURNS: u32 = 5;
const DEVELOPERS: u64 = 5_000;
/// Times that each statement is read.
const READS: u32 = 50;

/// What is measured.
#[derive(clap::Args)]
pub struct Sizes {
    /// Milestones that were paid.
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    milestones: u32,
    /// Entries of each of two accounts before the first release.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    entries: u32,
}

/// What a turn measured.
struct Turn {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    fsyncs: f64,
}

/// The middle of some figures.
fn middle(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A row of the table: the middle of its turns, and of their rates by those of the bare insert beside.
fn print(by: &str, connections: u32, turns: &[Turn], bare: &[Turn]) {
    let of = |figure: fn(&Turn) -> f64| middle(turns.iter().map(figure));
    println!(
        "| {connections} | {by} | {:.0} | {:.2} | {:.2} | {:.3} | {:.2} |",
        of(|turn| turn.rate),
        of(|turn| turn.p50_ms),
        of(|turn| turn.p99_ms),
        of(|turn| turn.fsyncs),
        middle(turns.iter().zip(bare).map(|(turn, bare)| turn.rate / bare.rate)),
    );
}

/// Measures and prints.
pub async fn run(
    sizes: &Sizes,
    data_dir: &Path,
    cluster: &Cluster,
    duration: Duration,
) -> Result<(), Failure> {
    println!("{}", process::machine());
    seed::create(cluster, DATABASE).await?;
    let url = cluster.url(DATABASE);
    tokio::task::block_in_place(|| migrate::run(&url))?;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let driver = tokio::spawn(connection);
    let ctx = context(data_dir, &url, 16)?;
    let started = Instant::now();
    fill(&client, &ctx, sizes).await?;
    eprintln!("seeded in {:.0} s", started.elapsed().as_secs_f64());

    println!("| connections | what | transactions/s | p50 ms | p99 ms | fsyncs each | rate ÷ bare insert |");
    println!("|---|---|---|---|---|---|---|");
    let numbers = Arc::new(Numbers { next: AtomicU64::new(0), milestones: u64::from(sizes.milestones) });
    let each = (duration / TURNS).max(Duration::from_secs(1));
    for connections in CONNECTIONS {
        let (mut bare, mut alone, mut whole, mut hot) = (vec![], vec![], vec![], vec![]);
        for _ in 0..TURNS {
            bare.push(by_pgbench(BARE, &client, cluster, connections, each).await?);
            alone.push(ours(false, &client, data_dir, &url, connections, each, &numbers).await?);
            whole.push(ours(true, &client, data_dir, &url, connections, each, &numbers).await?);
            hot.push(by_pgbench(HOT, &client, cluster, connections, each).await?);
        }
        print("bare insert", connections, &bare, &bare);
        print("release, a statement", connections, &alone, &bare);
        print("release, in a transaction", connections, &whole, &bare);
        print("all balances in place", connections, &hot, &bare);
    }
    statements(&ctx, &client).await?;
    let broken = assay_ledger::check(&ctx, &[assay_ledger::INVARIANTS]).await?;
    let broken: Vec<_> = broken.into_iter().filter(|finding| finding.offenders != 0).collect();
    if !broken.is_empty() {
        return Err(format!("the ledger is broken: {broken:?}").into());
    }
    println!("\nEvery invariant holds after {} releases.", numbers.next.load(Ordering::Relaxed));
    drop(client);
    driver.await??;
    Ok(())
}

const BARE: &str = "\\set x random(1, 1000000)\n\
    INSERT INTO bench_bare (owner, amount, at) VALUES (gen_random_uuid(), :x, now());\n";
const HOT: &str = "\\set hold random(10000, 60000)\n\\set developer random(1, 5000)\n\
    SELECT bench_hot_release(:hold, :developer, 25);\n";

/// What the service's use cases are given; nothing here reads its keys or its policy.
pub fn context(data_dir: &Path, url: &str, size: u32) -> Result<Ctx, Failure> {
    let (clock, entropy) = (Clock::system(), Entropy::system());
    Ok(Ctx {
        db: Db::new(url, PoolOptions { size, statement_timeout: Duration::from_secs(60) }),
        ids: IdSource::new(clock.clone(), entropy.clone()),
        keys: Arc::new(Keyring::parse(&Keyring::generate(&entropy, "bench"))?),
        policy: Arc::new(Policy::shipped()?),
        config: Arc::new(Config::load(None, &[], data_dir)?),
        clock,
        entropy,
    })
}

async fn fill(client: &Client, ctx: &Ctx, sizes: &Sizes) -> Result<(), Failure> {
    client
        .batch_execute(
            "CREATE FUNCTION bench_milestone(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
             $$ SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$",
        )
        .await?;
    client.batch_execute(include_str!("ledger.sql")).await?;
    client.execute("SELECT bench_fund(0, $1)", &[&(i64::from(sizes.milestones) - 1)]).await?;
    let first = Event::ProcessingFee { provider: "first".to_owned(), fee: usd(33) };
    assay_ledger::post(ctx, &first, None).await?;
    // As the hourly job would have done all the while.
    for _ in 0..20 {
        client
            .batch_execute(&format!(
                "BEGIN; ALTER TABLE ledger_transactions DISABLE TRIGGER ledger_posted;
                 ALTER TABLE ledger_entries DISABLE TRIGGER ledger_by_journal; SELECT bench_old({});
                 ALTER TABLE ledger_transactions ENABLE ALWAYS TRIGGER ledger_posted;
                 ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_by_journal; COMMIT",
                sizes.entries / 20
            ))
            .await?;
        assay_ledger::snapshot(ctx).await?;
    }
    client.batch_execute("VACUUM ANALYZE").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

fn id(kind: u64, n: u64) -> Uuid {
    Uuid::from_u64_pair((kind << 32) | 0x4000, (0x8000 << 48) | n)
}

/// Gives each release its number, so that none finds its milestone empty.
struct Numbers {
    next: AtomicU64,
    milestones: u64,
}

impl Numbers {
    fn release(&self) -> Result<Event, Failure> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        if n >= self.milestones * PARTS {
            return Err("no money is left to release: seed more milestones".into());
        }
        let milestone = n % self.milestones;
        Ok(Event::Release {
            id: id(1, n),
            milestone: id(0, milestone),
            developer: id(2, milestone % DEVELOPERS),
            held: Held::Free,
            amount: usd(PART),
            developer_fee: usd(PART / 20),
            client_fee: usd(PART * 15 / 100),
        })
    }
}

/// Posts releases; `whole`: between BEGIN and COMMIT. Two threads with pools of their own, as the service has.
async fn ours(
    whole: bool,
    client: &Client,
    data_dir: &Path,
    url: &str,
    connections: u32,
    duration: Duration,
    numbers: &Arc<Numbers>,
) -> Result<Turn, Failure> {
    let threads = connections.min(2);
    let each = connections / threads;
    let ctx = context(data_dir, url, each)?;
    let before = (fsyncs(client).await?, numbers.next.load(Ordering::Relaxed));
    // The first second opens the connections and plans the statements.
    let started = Instant::now() + Duration::from_secs(1);
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let (ctx, numbers) = (ctx.clone(), Arc::clone(numbers));
            std::thread::spawn(move || -> Result<Vec<Outcome>, Failure> {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    let local = tokio::task::LocalSet::new();
                    let tasks: Vec<_> = (0..each)
                        .map(|_| {
                            let (ctx, numbers) = (ctx.clone(), Arc::clone(&numbers));
                            local.spawn_local(drive(ctx, numbers, whole, started, duration))
                        })
                        .collect();
                    local.await;
                    let mut parts = Vec::new();
                    for task in tasks {
                        parts.push(task.await??);
                    }
                    Ok(parts)
                })
            })
        })
        .collect();
    let mut parts = Vec::new();
    for handle in handles {
        let done = tokio::task::block_in_place(|| handle.join()).map_err(|_| "a thread panicked")?;
        parts.extend(done?);
    }
    let outcome = Outcome::of_all(parts, started);
    let after = (fsyncs(client).await?, numbers.next.load(Ordering::Relaxed));
    Ok(Turn {
        rate: outcome.rate(),
        p50_ms: outcome.percentile(50.0),
        p99_ms: outcome.percentile(99.0),
        fsyncs: (after.0 - before.0) as f64 / (after.1 - before.1).max(1) as f64,
    })
}

async fn drive(
    ctx: Ctx,
    numbers: Arc<Numbers>,
    whole: bool,
    started: Instant,
    duration: Duration,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    // Zero until it begins.
    while started.elapsed() < duration {
        let (release, contract) = (numbers.release()?, None);
        let asked = Instant::now();
        let posted = if whole {
            ctx.db.tx(async |conn| assay_ledger::post_in(&ctx, conn, &release, contract).await).await?
        } else {
            assay_ledger::post(&ctx, &release, contract).await?
        };
        let latency = u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX);
        if asked >= started {
            outcome.note(posted.fresh, latency, b"the release was there already");
        }
    }
    Ok(outcome)
}

async fn by_pgbench(
    script: &str,
    client: &Client,
    cluster: &Cluster,
    connections: u32,
    duration: Duration,
) -> Result<Turn, Failure> {
    let before = fsyncs(client).await?;
    let done = pgbench::run(cluster, DATABASE, &[script.to_owned()], connections, duration).await?;
    let after = fsyncs(client).await?;
    let transactions = (done.rate * duration.as_secs_f64()).max(1.0);
    Ok(Turn {
        rate: done.rate,
        p50_ms: done.p50_ms,
        p99_ms: done.p99_ms,
        fsyncs: (after - before) as f64 / transactions,
    })
}

/// How often the log was flushed to the disk so far.
async fn fsyncs(client: &Client) -> Result<i64, Failure> {
    // Sessions tell what they did a second later at most.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let version: i32 =
        client.query_one("SELECT current_setting('server_version_num')::int", &[]).await?.get(0);
    let query = if version >= 180_000 {
        "SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"
    } else {
        "SELECT wal_sync FROM pg_stat_wal"
    };
    Ok(client.query_one(query, &[]).await?.get(0))
}

/// Reads statements and balances of accounts with many entries.
async fn statements(ctx: &Ctx, client: &Client) -> Result<(), Failure> {
    // What the hourly job does.
    assay_ledger::snapshot(ctx).await?;
    let row = client
        .query_one(
            "SELECT a.id, count(*), (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY e.transaction)
                FROM ledger_entries e WHERE e.account = a.id)
             FROM ledger_accounts a JOIN ledger_entries e ON e.account = a.id
             WHERE a.kind = 'stripe_platform' GROUP BY a.id",
            &[],
        )
        .await?;
    let (account, entries, middle): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let developer = Scope::Owner(id(2, 7));
    let of_platform = Scope::Owner(Uuid::nil());
    println!("\n| 100 lines of a statement | entries of the account | p50 ms | p99 ms |");
    println!("|---|---|---|---|");
    let shown = |what: &str, entries: String, mut times: Vec<u32>| {
        times.sort_unstable();
        println!(
            "| {what} | {entries} | {:.2} | {:.2} |",
            percentile(&times, 50.0),
            percentile(&times, 99.0)
        );
    };
    let all = format!("{entries}");
    let newest = timed(async || assay_ledger::statement(ctx, account, None, 100).await.map(drop)).await?;
    shown("the newest", all.clone(), newest);
    let older = timed(async || assay_ledger::statement(ctx, account, Some((middle, 0)), 100).await.map(drop));
    shown("from the middle on", all.clone(), older.await?);
    let first =
        timed(async || assay_ledger::statement_of(ctx, of_platform, (0, 0), 100).await.map(drop)).await?;
    shown("all accounts of the platform, the first", all.clone(), first);
    let later =
        timed(async || assay_ledger::statement_of(ctx, of_platform, (middle, 0), 100).await.map(drop));
    shown("all accounts of the platform, from the middle on", all.clone(), later.await?);
    let theirs = assay_ledger::statement_of(ctx, developer, (0, 0), 100_000).await?.len();
    let person =
        timed(async || assay_ledger::statement_of(ctx, developer, (0, 0), 100).await.map(drop)).await?;
    shown("a developer's", theirs.to_string(), person);
    let balance = timed(async || {
        let account = AccountRef::platforms(AccountKind::StripePlatform);
        ctx.db.read(async |conn| assay_ledger::balance(conn, account, Currency::USD).await).await.map(drop)
    });
    shown("only the balance", all, balance.await?);
    Ok(())
}

/// How many microseconds each reading took.
async fn timed(read: impl AsyncFn() -> assay_kernel::Result<()>) -> Result<Vec<u32>, Failure> {
    let mut times = Vec::new();
    for _ in 0..READS {
        let started = Instant::now();
        read().await?;
        times.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(times)
}
