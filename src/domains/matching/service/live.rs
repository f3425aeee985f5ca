//! The columns in this process: built in the background from PostgreSQL, kept fresh by the events, never the truth.
//!
//! What is in them is what the tables said when the events up to [`View::version`] had been told. A developer is read
//! anew when an event names them (as its subject, in its data, or among those who may read it). A gap in the events,
//! another day, or another calibration means a rebuild, beside the columns in use.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use assay_kernel::ids::{AccountId, MatchId};
use assay_kernel::{Code, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_skills::Taxonomy;
use chrono::{DateTime, NaiveTime, Utc};
use uuid::Uuid;

use super::learning::parameters_of;
use crate::model::exposure::{Exposure, Impression};
use crate::model::facts::{self, Facts, Limits, Raw};
use crate::model::learn::{Parameters, no_record, records};
use crate::model::market::Contract;
use crate::model::snapshot::Snapshot;
use crate::store;
use crate::store::events::Told;
use crate::store::history::Ended;
use crate::store::rankings::ImpressionRow;
use crate::store::scores::Scores;

/// Developers read at a time while rebuilding.
const PAGE: i64 = 2_000;
/// Events read at a time.
const EVENTS: i64 = 1_000;
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

/// What the columns are made from.
#[derive(Clone)]
pub struct Source {
    /// The surroundings.
    pub ctx: Ctx,
    /// The skills.
    pub taxonomy: Arc<Taxonomy>,
}

impl Source {
    /// The numbers that facts are held to.
    pub fn limits(&self) -> Limits {
        Limits {
            matching: self.ctx.policy.matching.clone(),
            live_bids: self.ctx.policy.bids.max_live_per_developer,
        }
    }

    /// Today's number, and its first instant.
    pub fn today(&self) -> (i32, DateTime<Utc>) {
        let date = self.ctx.clock.now().date_naive();
        (facts::day_of(date), date.and_time(NaiveTime::MIN).and_utc())
    }

    /// What is true of these developers now; those who are not approved are missing.
    ///
    /// # Errors
    /// The database's.
    pub async fn facts(&self, conn: &mut Conn, ids: Vec<Uuid>) -> Result<Vec<Facts>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (limits, (_, day)) = (self.limits(), self.today());
        let scores = store::scores::of_developers(conn, ids.clone()).await?;
        let raw = store::facts::of_developers(conn, ids, self.ctx.clock.now()).await?;
        let facts = raw.into_iter().map(|raw| {
            let scores = scores.of(raw.id);
            raw.facts(scores, &self.taxonomy, &limits, day)
        });
        Ok(facts.collect())
    }

    /// What the tables say of those of these developers whom an event names that is not in the columns of that version
    /// yet. Of the others the columns are right: who meets a constraint changes with an event, an approval's end with the
    /// clock, and that is a column.
    ///
    /// # Errors
    /// The database's.
    pub async fn changed(&self, conn: &mut Conn, version: i64, ids: &[Uuid]) -> Result<Changed> {
        let news = store::events::news(conn, version, EVENTS).await?;
        let mut named = HashSet::new();
        news.iter().for_each(|event| accounts(event, &mut named));
        // Too far behind to tell: everybody.
        let is_named = |id: &&Uuid| named.contains(*id) || news.len() as i64 == EVENTS;
        let changed: Vec<Uuid> = ids.iter().filter(is_named).copied().collect();
        let mut facts = HashMap::new();
        if !changed.is_empty() {
            facts = changed.iter().map(|id| (*id, None)).collect();
            let now = self.facts(conn, changed).await?;
            facts.extend(now.into_iter().map(|facts| (facts.id, Some(facts))));
        }
        Ok(Changed(facts))
    }

    /// Reads everything, as of one moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn build(&self) -> Result<View> {
        let started = Instant::now();
        let limits = self.limits();
        let mut view = self
            .ctx
            .db
            .tx(async |conn| {
                store::facts::read_one_moment(conn).await?;
                let (parameters, parameters_version) =
                    parameters_of(store::parameters::current(conn).await?)?;
                let view = View {
                    snapshot: Snapshot::empty(&facts::entries(&self.taxonomy), limits.matching.must_level),
                    version: store::events::last(conn).await?,
                    day: self.today().0,
                    parameters: Arc::new(parameters),
                    parameters_version,
                    calibration: store::scores::calibration(conn).await?,
                    ..View::default()
                };
                let mut after = Uuid::nil();
                // A page is written into the columns while the next one is read.
                let mut writing = tokio::task::spawn_blocking(|| view);
                loop {
                    let now = self.ctx.clock.now();
                    let ids = store::facts::approved(conn, now, after, PAGE).await?;
                    let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else {
                        break;
                    };
                    after = last;
                    let page = store::facts::between(conn, first, last, now).await?;
                    let scores = store::scores::of_developers(conn, ids).await?;
                    let (mut view, source) = (writing.await.map_err(Error::internal)?, self.clone());
                    writing = tokio::task::spawn_blocking(move || {
                        source.write(&mut view, page, &scores);
                        view
                    });
                }
                let mut view = writing.await.map_err(Error::internal)?;
                view.sorted = view.snapshot.len();
                let unproven = no_record(&view.parameters);
                for row in 0..view.snapshot.len() {
                    view.snapshot.set_record(row, &unproven);
                }
                view.exposure.grow(view.snapshot.len());
                view.note_records(store::history::ended(conn, None).await?, &self.taxonomy);
                let untold = untold(conn, view.version).await?;
                let mut place = Some((Uuid::nil(), i32::MIN, Uuid::nil()));
                while let Some(after) = place {
                    let (rows, next) = store::rankings::all_impressions(conn, after, PAGE).await?;
                    for (row, _) in rows.iter().filter(|(_, ranking)| !untold.contains(ranking)) {
                        view.book(row);
                    }
                    place = next;
                }
                Ok(view)
            })
            .await?;
        view.built_at = self.ctx.clock.now();
        view.built_in = started.elapsed();
        Ok(view)
    }

    /// Appends a page of developers to the columns, in the order of their ids.
    fn write(&self, view: &mut View, mut page: Vec<Raw>, scores: &Scores) {
        let (limits, (_, day)) = (self.limits(), self.today());
        page.sort_unstable_by_key(|raw| raw.id);
        for raw in page {
            let scores = scores.of(raw.id);
            view.append(&raw.facts(scores, &self.taxonomy, &limits, day), &limits);
        }
    }

    /// Brings the columns up to the last event; false when they must be built anew.
    ///
    /// # Errors
    /// The database's.
    pub async fn catch_up(&self, live: &Live) -> Result<bool> {
        let Ok((version, day, parameters, calibration)) =
            live.look(|view| (view.version, view.day, view.parameters_version, view.calibration.clone()))
        else {
            return Ok(false);
        };
        if day != self.today().0 {
            return Ok(false);
        }
        let quiet = self.ctx.db.read(async |conn| Ok(store::events::last(conn).await?)).await? <= version;
        if quiet {
            return Ok(true);
        }
        let news = self
            .ctx
            .db
            .tx(async |conn| {
                store::facts::read_one_moment(conn).await?;
                let told = store::events::after(conn, version, EVENTS).await?;
                self.news(live, conn, told).await
            })
            .await?;
        let Some(news) = news.filter(|news| news.follows(version, parameters, &calibration)) else {
            return Ok(false);
        };
        live.change(|view| news.apply(view, &self.limits(), &self.taxonomy));
        Ok(true)
    }

    async fn news(&self, live: &Live, conn: &mut Conn, told: Vec<Told>) -> Result<Option<News>> {
        let (Some(first), Some(last)) = (told.first(), told.last()) else { return Ok(None) };
        let (first, last) = (first.seq, last.seq);
        let mut concerned = HashSet::new();
        let mut rankings = Vec::new();
        for event in &told {
            if event.kind == "match.ranked" {
                rankings.extend(event.subject.parse::<MatchId>().map(|id| id.uuid()));
            } else {
                accounts(event, &mut concerned);
            }
        }
        let ids: Vec<Uuid> = concerned.into_iter().collect();
        let facts = self.facts(conn, ids.clone()).await?;
        let unknown: Vec<Uuid> = live
            .look(|view| facts.iter().map(|one| one.id).filter(|id| view.row_of(*id).is_none()).collect())?;
        let untold = untold(conn, last).await?;
        let of_unknown = if unknown.is_empty() {
            Vec::new()
        } else {
            store::rankings::impressions_of(conn, unknown).await?
        };
        Ok(Some(News {
            first,
            last,
            ended: store::history::ended(conn, Some(ids.clone())).await?,
            facts,
            ids,
            given: store::rankings::impressions_by(conn, rankings)
                .await?
                .into_iter()
                .map(|(row, _)| row)
                .collect(),
            of_unknown: of_unknown
                .into_iter()
                .filter(|(_, ranking)| !untold.contains(ranking))
                .map(|(row, _)| row)
                .collect(),
            parameters: store::parameters::current(conn).await?.map_or(0, |row| row.version),
            calibration: store::scores::calibration(conn).await?,
        }))
    }
}

/// Developers whom the columns may be wrong about, with what the tables say; nothing of who is not approved any more.
pub struct Changed(HashMap<Uuid, Option<Facts>>);

impl Changed {
    /// What there is of a developer; none when the columns are right.
    pub fn of(&self, developer: Uuid) -> Option<Option<&Facts>> {
        self.0.get(&developer).map(Option::as_ref)
    }
}

/// What some events bring.
struct News {
    first: i64,
    last: i64,
    /// Whom they concern.
    ids: Vec<Uuid>,
    /// What is true of those of them who are approved.
    facts: Vec<Facts>,
    ended: Vec<Ended>,
    /// Impressions of the rankings that they tell of.
    given: Vec<ImpressionRow>,
    /// All former impressions of those who were not there.
    of_unknown: Vec<ImpressionRow>,
    parameters: i32,
    calibration: String,
}

impl News {
    /// Do they follow without a gap, under the same parameters and calibration?
    fn follows(&self, version: i64, parameters: i32, calibration: &str) -> bool {
        self.first == version + 1 && self.parameters == parameters && self.calibration == calibration
    }

    fn apply(self, view: &mut View, limits: &Limits, taxonomy: &Taxonomy) {
        // Before those come who were not there: theirs are among `of_unknown`.
        for row in &self.given {
            view.book(row);
        }
        let approved: HashSet<Uuid> = self.facts.iter().map(|facts| facts.id).collect();
        for facts in &self.facts {
            view.put(facts, limits);
        }
        for row in &self.of_unknown {
            view.book(row);
        }
        for gone in self.ids.into_iter().filter(|id| !approved.contains(id)) {
            if let Some(row) = view.row_of(gone) {
                view.snapshot.close(row);
            }
        }
        view.note_records(self.ended, taxonomy);
        view.version = self.last;
    }
}

/// Rankings that events up to this one do not tell of: theirs are booked when they do.
async fn untold(conn: &mut Conn, version: i64) -> Result<HashSet<Uuid>> {
    let ids = store::rankings::untold(conn, version).await?;
    Ok(ids.into_iter().map(|id| id.uuid()).collect())
}

/// The accounts that an event names.
fn accounts(event: &Told, into: &mut HashSet<Uuid>) {
    let in_data =
        ["account_id", "developer_id"].into_iter().filter_map(|name| event.data.get(name)?.as_str());
    let named = std::iter::once(event.subject.as_str()).chain(in_data);
    for text in named.chain(event.audience.iter().map(String::as_str)) {
        into.extend(text.parse::<AccountId>().map(|id| id.uuid()));
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
