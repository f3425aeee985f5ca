//! The columns in this process: built in the background from PostgreSQL, kept fresh by the events, never the truth.
//!
//! What is in them is what the tables said when the events up to [`View::version`] had been told. A developer is read
//! anew when an event names them (as its subject, in its data, or among those who may read it). A gap in the events,
//! another day, or another calibration means a rebuild, beside the columns in use.

mod news;
mod source;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use assay_kernel::{Code, Error, Result};
use assay_skills::Taxonomy;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use source::Source;

use crate::model::exposure::{Exposure, Impression};
use crate::model::facts::{self, Facts, Limits};
use crate::model::learn::{Parameters, no_record, records};
use crate::model::market::Contract;
use crate::model::snapshot::Snapshot;
use crate::store::history::Ended;
use crate::store::rankings::ImpressionRow;

/// Between two looks at the events; with the relay's own pause well below a second.
const PAUSE: Duration = Duration::from_millis(200);

/// What a ranking looks at.
#[derive(Default)]
pub struct View {
    /// The columns.
    pub snapshot: Snapshot,
    /// What was shown.
    pub exposure: Exposure,
    /// The last event that is in them.
    pub version: i64,
    /// The day they were built on: zones have its offsets.
    pub day: i32,
    /// What values are worked out with.
    pub parameters: Arc<Parameters>,
    /// Their version; 0 for the priors.
    pub parameters_version: i32,
    /// The calibrations of the scores.
    pub calibration: String,
    /// How many rows are sorted by key, and where those are that came later.
    sorted: usize,
    later: HashMap<u128, usize>,
    built_at: DateTime<Utc>,
    built_in: Duration,
}

impl View {
    /// The row of a developer.
    pub fn row_of(&self, developer: Uuid) -> Option<usize> {
        let key = developer.as_u128();
        let sorted = self.snapshot.keys(self.sorted).binary_search(&key).ok();
        sorted.or_else(|| self.later.get(&key).copied())
    }

    /// Whose row it is.
    pub fn developer(&self, row: usize) -> Uuid {
        Uuid::from_u128(self.snapshot.key(row))
    }

    /// Adds a developer; answers the row.
    fn append(&mut self, facts: &Facts, limits: &Limits) -> usize {
        self.snapshot.push(facts.id.as_u128(), &facts.developer, facts.scores, facts.shown_until(limits))
    }

    /// Writes what is true of a developer now.
    fn put(&mut self, facts: &Facts, limits: &Limits) {
        if let Some(row) = self.row_of(facts.id) {
            self.snapshot.set(row, &facts.developer, facts.scores, facts.shown_until(limits));
            return;
        }
        let row = self.append(facts, limits);
        self.later.insert(facts.id.as_u128(), row);
        self.snapshot.set_record(row, &no_record(&self.parameters));
        self.exposure.grow(self.snapshot.len());
    }

    fn book(&mut self, row: &ImpressionRow) {
        let ImpressionRow { developer, day, place, given, taken, from_day, to_day } = *row;
        if let Some(row) = self.row_of(developer) {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            self.exposure.book(&Impression { row, place, given, taken }, day, (from_day, to_day));
        }
    }

    /// Own records of those who have ended contracts.
    fn note_records(&mut self, ended: Vec<Ended>, taxonomy: &Taxonomy) {
        let contracts: Vec<Contract> = ended.into_iter().map(|one| contract(one, taxonomy)).collect();
        let row_of = |id: &str| self.row_of(id.parse().ok()?);
        for (row, record) in records(&self.snapshot, row_of, &self.parameters, &contracts) {
            self.snapshot.set_record(row, &record);
        }
    }
}

/// An ended contract in the words of the core.
pub(super) fn contract(ended: Ended, taxonomy: &Taxonomy) -> Contract {
    let (must, nice): (Vec<_>, Vec<_>) = ended.skills.into_iter().partition(|skill| skill.must);
    let names = |skills: Vec<facts::Wanted>| skills.into_iter().map(|skill| skill.skill).collect::<Vec<_>>();
    let must = names(must);
    let family = must.first().and_then(|slug| taxonomy.get(slug)).map(|skill| skill.family.clone());
    Contract {
        developer_id: ended.developer.to_string(),
        must,
        nice: names(nice),
        domain: family.unwrap_or_default(),
        utc_offset: facts::utc_offset(ended.time_zone.as_deref(), ended.at),
        success: ended.success,
    }
}

/// What a process says of its columns.
#[derive(Debug, Clone)]
pub struct Status {
    /// May be asked?
    pub ready: bool,
    /// How many developers.
    pub developers: usize,
    /// The last event that is in them.
    pub version: i64,
    /// When they were built.
    pub built_at: Option<DateTime<Utc>>,
    /// How long that took.
    pub built_in: Duration,
    /// Bytes of all columns.
    pub bytes: usize,
    /// What values are worked out with.
    pub parameters_version: i32,
    /// The calibrations of the scores.
    pub calibration: String,
}

/// The columns, shared by the threads of a process.
#[derive(Default)]
pub struct Live(RwLock<Option<View>>);

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Live").field(&self.status()).finish()
    }
}

impl Live {
    /// Looks at the columns. Keep it short: a change waits.
    ///
    /// # Errors
    /// `unavailable` until they are built.
    pub fn look<T>(&self, at: impl FnOnce(&View) -> T) -> Result<T> {
        let view = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let unready = || {
            Error::new(Code::Unavailable, "The developers are being read; ask again in a moment.")
                .with_retry_after(1)
        };
        view.as_ref().map(at).ok_or_else(unready)
    }

    fn change(&self, how: impl FnOnce(&mut View)) {
        if let Some(view) = self.0.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            how(view);
        }
    }

    /// What is there.
    pub fn status(&self) -> Status {
        let view = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of = |view: &View| Status {
            ready: true,
            developers: view.snapshot.len(),
            version: view.version,
            built_at: Some(view.built_at),
            built_in: view.built_in,
            bytes: view.snapshot.len() * (Snapshot::bytes_each() + Exposure::BYTES_EACH)
                + view.snapshot.skill_bytes(),
            parameters_version: view.parameters_version,
            calibration: view.calibration.clone(),
        };
        view.as_ref().map_or_else(
            || Status {
                ready: false,
                developers: 0,
                version: 0,
                built_at: None,
                built_in: Duration::ZERO,
                bytes: 0,
                parameters_version: 0,
                calibration: String::new(),
            },
            of,
        )
    }
}

/// Keeps the columns of a process for as long as somebody holds them: a thread of its own, so that neither requests nor
/// jobs wait for a rebuild.
///
/// # Errors
/// When the system gives no thread.
pub fn keep(source: Source, live: &Arc<Live>) -> Result<()> {
    let live = Arc::downgrade(live);
    let run = move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return tracing::error!(%error, "the developers cannot be read"),
        };
        runtime.block_on(tend(&source, &live));
    };
    std::thread::Builder::new().name("assay-matching".to_owned()).spawn(run).map_err(Error::internal)?;
    Ok(())
}

async fn tend(source: &Source, live: &Weak<Live>) {
    loop {
        let Some(live) = live.upgrade() else { return };
        let done = async {
            if !source.catch_up(&live).await? {
                let view = source.build().await?;
                tracing::info!(
                    developers = view.snapshot.len(),
                    version = view.version,
                    took_ms = u64::try_from(view.built_in.as_millis()).unwrap_or(u64::MAX),
                    "the developers were read"
                );
                *live.0.write().unwrap_or_else(PoisonError::into_inner) = Some(view);
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = done.await {
            tracing::warn!(cause = %error.chain(), "the developers could not be read; it is tried again");
        }
        drop(live);
        tokio::time::sleep(PAUSE).await;
    }
}
