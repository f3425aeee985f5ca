//! What the columns are made from: what the tables say of developers, all of them or some.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_skills::Taxonomy;
use chrono::{DateTime, NaiveTime, Utc};
use uuid::Uuid;

use super::super::learning::parameters_of;
use super::View;
use crate::model::facts::{self, Facts, Limits, Raw};
use crate::model::learn::no_record;
use crate::model::snapshot::Snapshot;
use crate::store;
use crate::store::scores::Scores;

/// Developers read at a time while rebuilding.
const PAGE: i64 = 2_000;

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
}

/// Rankings that events up to this one do not tell of: theirs are booked when they do.
pub(super) async fn untold(conn: &mut Conn, version: i64) -> Result<HashSet<Uuid>> {
    let ids = store::rankings::untold(conn, version).await?;
    Ok(ids.into_iter().map(|id| id.uuid()).collect())
}
