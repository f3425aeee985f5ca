//! Random lives of money through the payments' door, with a provider, workers and clocks that fail: each ends, once the
//! faults are over, with every invariant whole and with what a plain book in memory says.
//!
//! A seed is one life: a contract with a few milestones, acts, faults, deaths of workers. Lives run one after another in
//! a world (a database and a sandbox Stripe), two worlds at a time. `ASSAY_SEEDS` is how many (the long suite has
//! 10,000), `ASSAY_SEED` the one to run alone, or with both, to begin with.

mod book;
mod check;
mod door;
mod life;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use life::Life;
use world::World;

const SEEDS: u64 = 200;
const LANES: usize = 2;
/// Lives in one world: what a check reads grows with them.
const IN_A_WORLD: u64 = 100;
/// After how many a word is said: all of them take the better part of an hour.
const TOLD: u64 = 500;
/// Where a worker or the decision dies.
const PLACES: &[&str] = &[
    "command.written",
    "command.claimed",
    "command.sent",
    "command.settling",
    "command.settled",
    "event.claimed",
    "event.applied",
    "sweep.page",
    "reconcile.page",
];

/// How often what came about: acts, faults, deaths, ends.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn note(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    fn join(&mut self, other: Tally) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Lives what is left to live, one after another; the first story that ends badly ends all.
async fn lane(next: &AtomicU64, end: u64, failed: &AtomicBool) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut world: Option<World> = None;
    let mut lived = 0;
    while !failed.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        if lived % IN_A_WORLD == 0
            && let Some(old) = world.take()
        {
            old.stop().await;
        }
        lived += 1;
        let world = match &mut world {
            Some(world) => world,
            None => world.insert(World::start().await),
        };
        let mut life = Life::new(world, seed);
        let lived = life.live().await;
        let (story, noted) = life.end();
        tally.join(noted);
        if (seed + 1).is_multiple_of(TOLD) {
            println!("{} lives", seed + 1);
        }
        if let Err(fault) = lived {
            failed.store(true, Ordering::Relaxed);
            let rerun = format!(
                "ASSAY_SEED={seed} cargo test -p assay --test it -- payments::simulation --nocapture"
            );
            return Err(format!("seed {seed}: {fault}\n{}\nrun it alone: {rerun}", story.join("\n")));
        }
    }
    if let Some(world) = world {
        world.stop().await;
    }
    Ok(tally)
}

#[test]
fn whatever_fails_money_ends_where_the_book_says() {
    let seeds = match told("ASSAY_SEED") {
        Some(seed) => seed..seed + told("ASSAY_SEEDS").unwrap_or(1),
        None => 0..told("ASSAY_SEEDS").unwrap_or(SEEDS),
    };
    let (next, failed, started) = (AtomicU64::new(seeds.start), AtomicBool::new(false), Instant::now());
    let (tally, faults) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let done = runtime.expect("a runtime").block_on(lane(&next, seeds.end, &failed));
                match done {
                    Ok(part) => tally.lock().unwrap_or_else(PoisonError::into_inner).join(part),
                    Err(fault) => faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault),
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner).0;
    let count = seeds.end - seeds.start;
    println!("{count} lives in {:.1} s", started.elapsed().as_secs_f64());
    for (what, times) in &tally {
        println!("{times:>8}  {what}");
    }
    // Else the lives are too poor to prove anything.
    if count >= SEEDS {
        let wanted =
            ["funded", "released", "refunded", "taken back", "dispute won", "dispute lost", "refund undone"];
        let died: Vec<String> = PLACES.iter().map(|place| format!("died at {place}")).collect();
        for what in wanted.iter().map(|what| (*what).to_owned()).chain(died) {
            assert!(tally.contains_key(&what), "no life had: {what}");
        }
    }
}
