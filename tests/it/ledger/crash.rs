//! PostgreSQL killed while money moves: what was acknowledged is there, once, and every invariant holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assay::app::boot;
use assay::app::domains::INVARIANTS;
use assay_kernel::{Code, Entropy};
use assay_ledger::Event;
use assay_platform::Ctx;
use assay_platform::config::Config;
use assay_platform::db::embedded::{Cluster, Options};
use assay_platform::db::{Conn, migrate};
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, RunQueryDsl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{funded, release};
use crate::harness;

const THREADS: u128 = 2;
const WRITERS: u128 = 3;
const KILLS: usize = 4;
/// So many postings between one kill and the next, at least.
const BETWEEN: usize = 30;
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

async fn numbers(url: &str, query: &str) -> Vec<i64> {
    let mut conn = Conn::establish(url).await.expect("a connection");
    let rows: Vec<Number> = diesel::sql_query(query).load(&mut conn).await.expect("rows");
    rows.into_iter().map(|row| row.n).collect()
}

/// Every process of the server at once, as when the machine loses its power: nobody finishes what they were at.
pub async fn kill_all(url: &str) {
    let postmaster = "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::bigint AS n";
    let mut processes = numbers(url, postmaster).await;
    processes.extend(numbers(url, "SELECT pid::bigint AS n FROM pg_stat_activity").await);
    for process in processes {
        let pid = Pid::from_raw(i32::try_from(process).expect("a process id"));
        // The one that answered the question is gone already.
        let _may_be_gone = kill(pid, Signal::SIGKILL);
    }
}

/// Posts an event until it is acknowledged, as often as that takes. Was it there, its first answer lost?
async fn acknowledged(ctx: &Ctx, event: &Event) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        match assay_ledger::post(ctx, event, None).await {
            Ok(posted) => return !posted.fresh,
            Err(error) => {
                assert!(error.code() == Code::Unavailable && Instant::now() < until, "{}", error.chain());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Funds and releases milestones of its own until told to stop: what was acknowledged, and how often a lost answer had
/// been a yes.
async fn write(ctx: &Ctx, writer: u128, stop: &AtomicBool, count: &AtomicUsize) -> (Vec<Event>, usize) {
    let (mut done, mut lost_answers) = (Vec::new(), 0);
    let mut n = writer << 32;
    while !AtomicBool::load(stop, Ordering::Relaxed) {
        n += 1;
        for event in [funded(n, 1_000), release(n << 1, n, 400), release((n << 1) | 1, n, 600)] {
            lost_answers += usize::from(acknowledged(ctx, &event).await);
            count.fetch_add(1, Ordering::Relaxed);
            done.push(event);
        }
    }
    (done, lost_answers)
}

#[tokio::test]
async fn acknowledged_money_survives_a_killed_postgresql_and_moves_once() {
    let folder = std::env::temp_dir().join(format!("assay-ledger-crash-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let options = Options { data_dir: folder.clone(), durable: true };
    let mut server = Cluster::start(&options).expect("PostgreSQL starts");
    let url = server.url("assay");
    migrate::create_database(&server.url("postgres"), "assay").expect("a database");
    migrate::run(&url).expect("the migrations run");
    let config = Arc::new(Config::load(None, &[], &folder).expect("the defaults load"));
    let ctx = boot::context(&config, &harness::origins(), &url, 8);

    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (ctx, stop, count) = (ctx.clone(), stop.clone(), count.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let writers = (1..=WRITERS).map(|n| write(&ctx, thread * WRITERS + n, &stop, &count));
                runtime.expect("a runtime").block_on(futures_util::future::join_all(writers))
            })
        })
        .collect();
    let entropy = Entropy::system();
    for _ in 0..KILLS {
        let (until, before) = (Instant::now() + PATIENCE, AtomicUsize::load(&count, Ordering::Relaxed));
        while AtomicUsize::load(&count, Ordering::Relaxed) < before + BETWEEN {
            assert!(Instant::now() < until, "nothing is posted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let [random] = entropy.bytes::<1>();
        tokio::time::sleep(Duration::from_millis(u64::from(random))).await;
        kill_all(&url).await;
        let until = Instant::now() + PATIENCE;
        while !server.ensure_running().is_ok_and(|started| started) {
            assert!(Instant::now() < until, "PostgreSQL does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let (mut done, mut lost_answers) = (Vec::new(), 0);
    for (events, lost) in threads.into_iter().flat_map(|thread| thread.join().expect("the writers")) {
        done.extend(events);
        lost_answers += lost;
    }

    // Each is there with this very content, and nothing else is.
    let journal = numbers(&url, "SELECT count(*) AS n FROM ledger_transactions").await;
    assert_eq!(journal, [i64::try_from(done.len()).expect("a count")]);
    for event in &done {
        let again = assay_ledger::post(&ctx, event, None).await.expect("the same");
        assert!(!again.fresh, "{event:?} was lost");
    }
    let findings = assay_ledger::check(&ctx, INVARIANTS).await.expect("a check");
    let broken: Vec<_> = findings.into_iter().filter(|finding| finding.offenders != 0).collect();
    assert!(broken.is_empty(), "{broken:?}");
    println!("{} postings through {KILLS} kills, {lost_answers} whose answer was lost", done.len());
    drop(ctx);
    server.stop().expect("PostgreSQL stops");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}
