//! The public listing: filters, text, keyset pages.

use std::sync::Arc;

use assay_kernel::ids::ProjectId;
use assay_kernel::{Code, Error, Limit, Page, Result, string_enum};
use assay_platform::db::Conn;
use assay_platform::web::Cursor;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Projects;
use crate::model::utc_offset_minutes;
use crate::store::listings::{self, Filter, ListingRow, RankPosition};
use crate::store::{all_dates, end_of_time};

string_enum! {
    /// How the listing is sorted.
    pub enum Sort {
        /// Newest first.
        Newest = "newest",
        /// Best match first; only with `q`.
        Relevance = "relevance",
    }
}

string_enum! {
    /// How several skills are read.
    pub enum Match {
        /// Projects that ask for every one of them.
        All = "all",
        /// Projects that ask for at least one.
        Any = "any",
    }
}

/// What the listing is asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Search {
    /// Skills as given: slugs, names or aliases.
    pub skills: Vec<String>,
    /// How several skills are read.
    pub matching: Match,
    /// Words, as one types them into a search box.
    pub q: Option<String>,
    /// Budget bounds in US cents.
    pub budget_min: Option<i64>,
    /// See above.
    pub budget_max: Option<i64>,
    /// Effort bounds in hours.
    pub effort_min: Option<i32>,
    /// See above.
    pub effort_max: Option<i32>,
    /// Start bounds.
    pub starts_from: Option<NaiveDate>,
    /// See above.
    pub starts_to: Option<NaiveDate>,
    /// The reader's zone; projects whose need for shared hours it cannot meet are left out.
    pub time_zone: Option<String>,
    /// How it is sorted.
    pub sort: Sort,
}

#[derive(Serialize, Deserialize)]
struct Position {
    listed_at: DateTime<Utc>,
    id: Uuid,
    rank: f32,
    as_of: DateTime<Utc>,
}

impl Projects {
    /// A page of the public listing.
    ///
    /// # Errors
    /// `malformed_request` for an unknown skill or zone, or a sort that needs words; `invalid_cursor`.
    pub async fn search(
        &self,
        search: &Search,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Page<ListingRow>> {
        let malformed = |detail: String| Error::new(Code::MalformedRequest, detail);
        let mut skills = Vec::new();
        for given in &search.skills {
            let skill =
                self.taxonomy.resolve(given).ok_or_else(|| malformed(format!("Unknown skill `{given}`.")))?;
            if !skills.contains(&skill.slug) {
                skills.push(skill.slug.clone());
            }
        }
        let utc_offset_min = match &search.time_zone {
            None => None,
            Some(zone) => {
                assay_kernel::text::time_zone(zone)
                    .map_err(|_| malformed(format!("Unknown time zone `{zone}`.")))?;
                Some(utc_offset_minutes(zone, self.ctx.clock.now()))
            }
        };
        let (first_day, last_day) = all_dates();
        let filter = Filter {
            budget_min: search.budget_min.unwrap_or(0),
            budget_max: search.budget_max.unwrap_or(i64::MAX),
            effort_min: search.effort_min.unwrap_or(0),
            effort_max: search.effort_max.unwrap_or(i32::MAX),
            starts_from: search.starts_from.unwrap_or(first_day),
            starts_to: search.starts_to.unwrap_or(last_day),
            utc_offset_min,
        };
        let all = search.matching == Match::All;
        let cursors = Cursor::new(&self.ctx.keys, "projects", search);
        let after: Option<Position> = cursor.map(|cursor| cursors.decode(cursor)).transpose()?;
        let Some(words) = &search.q else {
            if search.sort == Sort::Relevance {
                return Err(malformed("`sort=relevance` needs words in `q`.".to_owned()));
            }
            let as_of = self.ctx.clock.now();
            let after = after.map_or((end_of_time(), Uuid::max()), |at| (at.listed_at, at.id));
            let read = self.ctx.db.read(async |conn| {
                Ok(listings::newest(conn, &filter, &skills, all, after, limit.fetch()).await?)
            });
            return cursors.page(read.await?, limit, |row| Position::of(row, 0.0, as_of));
        };
        let by_rank = search.sort == Sort::Relevance;
        let wanted = Words { words: words.clone(), filter, skills, all, by_rank, limit: limit.fetch() };
        let Matches { as_of, rows } = match after {
            Some(at) => self.ctx.db.read(async |conn| wanted.read(conn, &at).await).await?,
            // Ranking is the dearest read of the market, and many search for the same.
            None => {
                let first = async |conn: &mut Conn| {
                    let top = Position::top(self.ctx.clock.now());
                    Ok(Arc::new(wanted.read(conn, &top).await?))
                };
                Arc::unwrap_or_clone(self.searches.read(&self.ctx.db, wanted.clone(), first).await?)
            }
        };
        let page = cursors.page(rows, limit, |(rank, row)| Position::of(row, *rank, as_of))?;
        Ok(page.map(|(_, row)| row))
    }
}

/// A search for words: what two searches must have in common to be one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Words {
    words: String,
    filter: Filter,
    skills: Vec<String>,
    all: bool,
    by_rank: bool,
    limit: i64,
}

/// What a search for words found, with the ranks.
#[derive(Debug, Clone)]
pub struct Matches {
    as_of: DateTime<Utc>,
    rows: Vec<(f32, ListingRow)>,
}

impl Words {
    async fn read(&self, conn: &mut Conn, at: &Position) -> Result<Matches> {
        let Self { words, filter, skills, all, by_rank, limit } = self;
        let start =
            RankPosition { as_of: at.as_of, rank: at.rank, listed_at: at.listed_at, project_id: at.id };
        let rows = if *by_rank {
            listings::matching(conn, words, filter, skills, *all, start, *limit).await?
        } else {
            listings::newest_matching(conn, words, filter, skills, *all, start, *limit).await?
        };
        Ok(Matches { as_of: at.as_of, rows })
    }
}

impl Position {
    /// Before the first of all matches listed until then.
    fn top(as_of: DateTime<Utc>) -> Self {
        Self { listed_at: end_of_time(), id: Uuid::max(), rank: f32::MAX, as_of }
    }

    fn of(row: &ListingRow, rank: f32, as_of: DateTime<Utc>) -> Self {
        Self { listed_at: row.listed_at, id: row.project_id, rank, as_of }
    }
}

impl ListingRow {
    /// The project's id.
    pub fn id(&self) -> ProjectId {
        ProjectId::from_uuid(self.project_id)
    }
}
