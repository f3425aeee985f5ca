//! What a process does besides answering: timers, jobs, the event relay, shared counters, housekeeping. On a thread
//! of its own, with connections of its own, so that neither can starve the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use assay_kernel::Result;
use assay_platform::config::Config;
use assay_platform::jobs::{self, NewJob, Registry};
use assay_platform::rate_limit::{self, RateLimiter};
use assay_platform::{Ctx, idempotency, outbox, sandbox_clock, timers};
use serde::Deserialize;
use serde_json::json;

use super::boot::{self, Failure, Origins, Outcome};
use super::domains::{self, State};
use super::providers::Providers;

/// How long a worker that found nothing waits.
const IDLE: Duration = Duration::from_millis(150);
/// A round with fewer things than this is followed by [`GATHER`]: a trickle of events costs a round each otherwise.
const FEW: usize = 20;
/// So that what comes in is done together.
const GATHER: Duration = Duration::from_millis(20);
/// How long it waits at most after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Between two beats: shared counters, the sandbox's clock.
const BEAT: Duration = Duration::from_secs(1);

const HOURLY: &str = "housekeeping.hourly";

/// What the thread is to do.
pub struct Duties {
    /// Counters to share with other processes.
    pub limiter: Option<RateLimiter>,
    /// Timers, jobs, the relay.
    pub work: bool,
    /// The clients that jobs use.
    pub providers: Providers,
}

/// A running thread.
#[derive(Debug)]
pub struct Background {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(config: Arc<Config>, origins: Origins, url: String, duties: Duties) -> Outcome<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("assay-worker".to_owned()).spawn(move || {
            let run = || -> Outcome {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                tokio::task::LocalSet::new().block_on(&runtime, async {
                    let ctx = boot::context(&config, &origins, &url, config.database.worker_connections);
                    run(&ctx, &duties, &stopped).await;
                    Ok::<_, Failure>(())
                })
            };
            if let Err(failure) = run() {
                tracing::error!(%failure, "the worker could not start");
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Asks the thread to end after the job in hand.
    pub fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for its end. Blocks.
    pub fn join(self) {
        self.ask_to_stop();
        if self.thread.join().is_err() {
            tracing::error!("the worker panicked");
        }
    }
}

async fn run(ctx: &Ctx, duties: &Duties, stop: &AtomicBool) {
    let mut registry = None;
    let mut last_beat: Option<Instant> = None;
    let mut hour = None;
    let mut pause = IDLE;
    while !stop.load(Ordering::Relaxed) {
        let done = async {
            if last_beat.is_none_or(|last| last.elapsed() >= BEAT) {
                beat(ctx, duties.limiter.as_ref()).await?;
                last_beat = Some(Instant::now());
            }
            if !duties.work {
                return Ok(0);
            }
            let this_hour = ctx.clock.now().timestamp().div_euclid(3_600);
            if hour != Some(this_hour) {
                schedule_housekeeping(ctx).await?;
                hour = Some(this_hour);
            }
            let registry = match &registry {
                Some(registry) => registry,
                None => registry.insert(self::registry(&State::load(ctx, &duties.providers).await?)),
            };
            round(ctx, registry).await
        };
        match done.await {
            Ok(done) => {
                pause = IDLE;
                if done < FEW {
                    tokio::time::sleep(if done == 0 { IDLE } else { GATHER }).await;
                }
            }
            Err(error) => {
                // The database is away, most likely; it is tried again for as long as it takes.
                tracing::warn!(cause = %error.chain(), wait_ms = u64::try_from(pause.as_millis()).unwrap_or(0), "the worker failed");
                let until = Instant::now() + pause;
                while Instant::now() < until && !stop.load(Ordering::Relaxed) {
                    tokio::time::sleep(IDLE).await;
                }
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn beat(ctx: &Ctx, limiter: Option<&RateLimiter>) -> Result<()> {
    if !ctx.config.is_production() {
        ctx.db.read(async |conn| sandbox_clock::follow(ctx, conn).await).await?;
    }
    if let Some(limiter) = limiter {
        limiter.exchange(ctx).await?;
    }
    Ok(())
}

/// Does what is due: one pass over timers, jobs and events. Returns how much there was.
///
/// # Errors
/// The database's failure; a job's own failure is the queue's business.
pub async fn round(ctx: &Ctx, registry: &Registry) -> Result<usize> {
    let fired = ctx.db.read(async |conn| timers::fire_due(ctx, conn).await).await?;
    let run = jobs::run_due(ctx, registry).await?;
    let relayed = outbox::relay(ctx).await?;
    Ok(fired.saturating_add(run).saturating_add(relayed))
}

/// Every handler of every kind of job.
pub fn registry(state: &State) -> Registry {
    let mut registry = Registry::new();
    registry.on(HOURLY, |ctx: Ctx, _: Nothing| async move { housekeeping(&ctx).await });
    domains::jobs(&mut registry, state);
    registry
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Enqueues the hourly clean-up, the hourly jobs of ledger, payments and assessments, the nightly ones of scoring and
/// matching; several processes may ask for it, one job comes of it.
///
/// # Errors
/// The database's failure.
pub async fn schedule_housekeeping(ctx: &Ctx) -> Result<()> {
    let job =
        || NewJob { kind: HOURLY, payload: json!({}), dedupe_key: Some(HOURLY.to_owned()), run_at: None };
    ctx.db
        .tx(async |conn| {
            jobs::enqueue(ctx, conn, job()).await?;
            assay_ledger::schedule(ctx, conn).await?;
            assay_payments::schedule(ctx, conn).await?;
            assay_assessments::schedule(ctx, conn).await?;
            assay_scoring::schedule(ctx, conn).await?;
            assay_matching::schedule(ctx, conn).await
        })
        .await
}

/// Deletes what is kept for a time only.
async fn housekeeping(ctx: &Ctx) -> Result<()> {
    let keys = ctx.db.tx(async |conn| idempotency::delete_old(ctx, conn).await).await?;
    let counters = ctx.db.tx(async |conn| rate_limit::delete_old(ctx, conn).await).await?;
    let mut events = 0_usize;
    loop {
        let gone = ctx.db.tx(async |conn| outbox::delete_old(ctx, conn).await).await?;
        events = events.saturating_add(gone);
        if gone == 0 {
            break;
        }
    }
    let of_domains = ctx.db.tx(async |conn| domains::delete_old(ctx, conn).await).await?;
    let dead_jobs = ctx.db.tx(async |conn| jobs::delete_old(ctx, conn).await).await?;
    let mails = assay_notifications::delete_old_files(ctx).await?;
    tracing::info!(keys, counters, events, of_domains, dead_jobs, mails, "housekeeping done");
    Ok(())
}
