//! What events bring: to the columns, and to a ranking whose columns have not heard of them yet.

use std::collections::{HashMap, HashSet};

use assay_kernel::Result;
use assay_kernel::ids::{AccountId, MatchId};
use assay_platform::db::Conn;
use assay_skills::Taxonomy;
use uuid::Uuid;

use super::source::{Source, untold};
use super::{Live, View};
use crate::model::facts::{Facts, Limits};
use crate::store;
use crate::store::events::Told;
use crate::store::history::Ended;
use crate::store::rankings::ImpressionRow;

/// Events read at a time.
const EVENTS: i64 = 1_000;

impl Source {
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

/// The accounts that an event names.
fn accounts(event: &Told, into: &mut HashSet<Uuid>) {
    let in_data =
        ["account_id", "developer_id"].into_iter().filter_map(|name| event.data.get(name)?.as_str());
    let named = std::iter::once(event.subject.as_str()).chain(in_data);
    for text in named.chain(event.audience.iter().map(String::as_str)) {
        into.extend(text.parse::<AccountId>().map(|id| id.uuid()));
    }
}
