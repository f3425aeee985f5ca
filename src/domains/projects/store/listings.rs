//! The public listing: kept in the transaction of each change, read without joins over the whole market.

use assay_platform::db::schema::{listing_skills, listings};
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Float4, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// How many of the newest matches of a text search are ranked.
pub const RANKED: i32 = 150;

/// A row of the listing.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = listings, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct ListingRow {
    pub project_id: Uuid,
    pub listed_at: DateTime<Utc>,
    pub title: String,
    pub excerpt: String,
    pub organisation_name: String,
    pub budget_amount: i64,
    pub budget_currency: String,
    pub budget_usd_minor: i64,
    pub effort_hours: i32,
    pub starts_on: NaiveDate,
    pub time_zone: Option<String>,
    pub utc_offset_min: i32,
    pub overlap_min: i32,
    pub skills: Vec<String>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = listing_skills)]
struct SkillRow<'a> {
    skill: &'a str,
    listed_at: DateTime<Utc>,
    project_id: Uuid,
    budget_usd_minor: i64,
    effort_hours: i32,
    starts_on: NaiveDate,
    utc_offset_min: i32,
    overlap_min: i32,
}

/// Puts a project on the listing. `body` is the text searched beside title and skills.
pub async fn publish(conn: &mut Conn, row: &ListingRow, body: &str) -> DbResult<()> {
    diesel::insert_into(listings::table).values(row).execute(conn).await?;
    let skills: Vec<SkillRow<'_>> = row
        .skills
        .iter()
        .map(|skill| SkillRow {
            skill,
            listed_at: row.listed_at,
            project_id: row.project_id,
            budget_usd_minor: row.budget_usd_minor,
            effort_hours: row.effort_hours,
            starts_on: row.starts_on,
            utc_offset_min: row.utc_offset_min,
            overlap_min: row.overlap_min,
        })
        .collect();
    diesel::insert_into(listing_skills::table).values(&skills).execute(conn).await?;
    diesel::sql_query(
        "INSERT INTO listing_texts (project_id, listed_at, words)
         VALUES ($1, $2, setweight(to_tsvector('english', $3), 'A') || setweight(to_tsvector('english', $4), 'B')
                      || setweight(to_tsvector('english', $5), 'C'))",
    )
    .bind::<SqlUuid, _>(row.project_id)
    .bind::<Timestamptz, _>(row.listed_at)
    .bind::<Text, _>(&row.title)
    .bind::<Text, _>(row.skills.join(" "))
    .bind::<Text, _>(body)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a project off the listing (its skills and text go with it).
pub async fn take_down(conn: &mut Conn, project: Uuid) -> DbResult<()> {
    diesel::delete(listings::table.find(project)).execute(conn).await?;
    Ok(())
}

/// What a list is filtered by; the bounds that were not asked for are wide open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Filter {
    pub budget_min: i64,
    pub budget_max: i64,
    pub effort_min: i32,
    pub effort_max: i32,
    pub starts_from: NaiveDate,
    pub starts_to: NaiveDate,
    /// The reader's own UTC offset in minutes; none = any zone.
    pub utc_offset_min: Option<i32>,
}

macro_rules! listing_columns {
    () => {
        "l.project_id, l.listed_at, l.title, l.excerpt, l.organisation_name, l.budget_amount, l.budget_currency, \
         l.budget_usd_minor, l.effort_hours, l.starts_on, l.time_zone, l.utc_offset_min, l.overlap_min, l.skills, \
         l.expires_at"
    };
}

// Plans are generic (`platform::db`), so a literal LIMIT tells the planner that little is wanted; the outer one, which
// it does not see, stops the same scan earlier.

// `abs` of the difference around the globe: two nine-hour days overlap by 540 minutes less their distance.
macro_rules! filters {
    ($table:literal) => {
        concat!(
            $table,
            ".budget_usd_minor BETWEEN {} AND {} AND ",
            $table,
            ".effort_hours BETWEEN {} AND {} AND ",
            $table,
            ".starts_on BETWEEN {} AND {} AND COALESCE(",
            $table,
            ".overlap_min = 0 OR 540 - least(abs(",
            $table,
            ".utc_offset_min - {}), 1440 - abs(",
            $table,
            ".utc_offset_min - {})) >= ",
            $table,
            ".overlap_min, true)"
        )
    };
}

statement! {
    /// Open projects, newest first.
    struct Newest(
        listed_at: DateTime<Utc> as Timestamptz, project_id: Uuid as SqlUuid,
        budget_min: i64 as BigInt, budget_max: i64 as BigInt, effort_min: i32 as Integer, effort_max: i32 as Integer,
        starts_from: NaiveDate as Date, starts_to: NaiveDate as Date,
        offset_a: Option<i32> as Nullable<Integer>, offset_b: Option<i32> as Nullable<Integer>,
        limit: i64 as BigInt,
    ) -> (SqlUuid, Timestamptz, Text, Text, Text, BigInt, Text, BigInt, Integer, Date, Nullable<Text>, Integer,
          Integer, Array<Text>, Timestamptz);
    concat!("SELECT * FROM (SELECT ", listing_columns!(), " FROM listings l WHERE (l.listed_at, l.project_id) < ({}, {}) AND ",
        filters!("l"), " ORDER BY l.listed_at DESC, l.project_id DESC LIMIT 101) page LIMIT {}")
}

statement! {
    /// Open projects with any of the skills, newest first: each skill's own newest, merged.
    struct WithAnySkill(
        skills: Vec<String> as Array<Text>,
        listed_at: DateTime<Utc> as Timestamptz, project_id: Uuid as SqlUuid,
        budget_min: i64 as BigInt, budget_max: i64 as BigInt, effort_min: i32 as Integer, effort_max: i32 as Integer,
        starts_from: NaiveDate as Date, starts_to: NaiveDate as Date,
        offset_a: Option<i32> as Nullable<Integer>, offset_b: Option<i32> as Nullable<Integer>,
        limit_a: i64 as BigInt, limit_b: i64 as BigInt,
    ) -> (SqlUuid, Timestamptz, Text, Text, Text, BigInt, Text, BigInt, Integer, Date, Nullable<Text>, Integer,
          Integer, Array<Text>, Timestamptz);
    concat!("SELECT ", listing_columns!(), " FROM (SELECT DISTINCT s.listed_at, s.project_id
             FROM unnest({}) AS wanted (skill), LATERAL (
                SELECT * FROM (
                    SELECT k.listed_at, k.project_id FROM listing_skills k
                    WHERE k.skill = wanted.skill AND (k.listed_at, k.project_id) < ({}, {}) AND ", filters!("k"), "
                    ORDER BY k.listed_at DESC, k.project_id DESC LIMIT 101) newest LIMIT {}) s
             ORDER BY s.listed_at DESC, s.project_id DESC LIMIT {}) page
         JOIN listings l ON l.project_id = page.project_id
         ORDER BY page.listed_at DESC, page.project_id DESC")
}

statement! {
    /// Open projects with all of the skills, newest first: one skill's newest, those with the others kept.
    struct WithAllSkills(
        first: String as Text, all: Vec<String> as Array<Text>,
        listed_at: DateTime<Utc> as Timestamptz, project_id: Uuid as SqlUuid,
        budget_min: i64 as BigInt, budget_max: i64 as BigInt, effort_min: i32 as Integer, effort_max: i32 as Integer,
        starts_from: NaiveDate as Date, starts_to: NaiveDate as Date,
        offset_a: Option<i32> as Nullable<Integer>, offset_b: Option<i32> as Nullable<Integer>,
        limit: i64 as BigInt,
    ) -> (SqlUuid, Timestamptz, Text, Text, Text, BigInt, Text, BigInt, Integer, Date, Nullable<Text>, Integer,
          Integer, Array<Text>, Timestamptz);
    concat!("SELECT * FROM (SELECT ", listing_columns!(), " FROM listing_skills k JOIN listings l ON l.project_id = k.project_id
         WHERE k.skill = {} AND l.skills @> {} AND (k.listed_at, k.project_id) < ({}, {}) AND ", filters!("k"), "
         ORDER BY k.listed_at DESC, k.project_id DESC LIMIT 101) page LIMIT {}")
}

statement! {
    /// Among the newest matches of a text, the best.
    struct Matching(
        query: String as Text, as_of: DateTime<Utc> as Timestamptz, ranked: i32 as Integer,
        budget_min: i64 as BigInt, budget_max: i64 as BigInt, effort_min: i32 as Integer, effort_max: i32 as Integer,
        starts_from: NaiveDate as Date, starts_to: NaiveDate as Date,
        offset_a: Option<i32> as Nullable<Integer>, offset_b: Option<i32> as Nullable<Integer>,
        any: Vec<String> as Array<Text>, any_b: Vec<String> as Array<Text>, all: Vec<String> as Array<Text>,
        rank: f32 as Float4, listed_at: DateTime<Utc> as Timestamptz, project_id: Uuid as SqlUuid,
        limit: i64 as BigInt,
    ) -> (Float4, (SqlUuid, Timestamptz, Text, Text, Text, BigInt, Text, BigInt, Integer, Date, Nullable<Text>,
          Integer, Integer, Array<Text>, Timestamptz));
    concat!("SELECT m.rank, ", listing_columns!(), "
         FROM newest_matches(websearch_to_tsquery('english', {}), {}, {}) m
         JOIN listings l ON l.project_id = m.project_id
         WHERE ", filters!("l"), " AND (cardinality({}) = 0 OR l.skills && {}) AND l.skills @> {}
           AND (m.rank, m.listed_at, m.project_id) < ({}, {}, {})
         ORDER BY m.rank DESC, m.listed_at DESC, m.project_id DESC LIMIT {}")
}

statement! {
    /// The newest matches of a text, newest first.
    struct NewestMatching(
        query: String as Text, as_of: DateTime<Utc> as Timestamptz, ranked: i32 as Integer,
        budget_min: i64 as BigInt, budget_max: i64 as BigInt, effort_min: i32 as Integer, effort_max: i32 as Integer,
        starts_from: NaiveDate as Date, starts_to: NaiveDate as Date,
        offset_a: Option<i32> as Nullable<Integer>, offset_b: Option<i32> as Nullable<Integer>,
        any: Vec<String> as Array<Text>, any_b: Vec<String> as Array<Text>, all: Vec<String> as Array<Text>,
        listed_at: DateTime<Utc> as Timestamptz, project_id: Uuid as SqlUuid,
        limit: i64 as BigInt,
    ) -> (Float4, (SqlUuid, Timestamptz, Text, Text, Text, BigInt, Text, BigInt, Integer, Date, Nullable<Text>,
          Integer, Integer, Array<Text>, Timestamptz));
    concat!("SELECT m.rank, ", listing_columns!(), "
         FROM newest_matches(websearch_to_tsquery('english', {}), {}, {}) m
         JOIN listings l ON l.project_id = m.project_id
         WHERE ", filters!("l"), " AND (cardinality({}) = 0 OR l.skills && {}) AND l.skills @> {}
           AND (m.listed_at, m.project_id) < ({}, {})
         ORDER BY m.listed_at DESC, m.project_id DESC LIMIT {}")
}

/// Open projects after a position, newest first.
pub async fn newest(
    conn: &mut Conn,
    filter: &Filter,
    skills: &[String],
    all: bool,
    after: (DateTime<Utc>, Uuid),
    limit: i64,
) -> DbResult<Vec<ListingRow>> {
    let (listed_at, project_id) = after;
    let Filter { budget_min, budget_max, effort_min, effort_max, starts_from, starts_to, utc_offset_min } =
        *filter;
    let (offset_a, offset_b) = (utc_offset_min, utc_offset_min);
    let rows = match skills {
        [] => {
            Newest {
                listed_at,
                project_id,
                budget_min,
                budget_max,
                effort_min,
                effort_max,
                starts_from,
                starts_to,
                offset_a,
                offset_b,
                limit,
            }
            .load::<ListingRow>(conn)
            .await?
        }
        [first, _, ..] if all => {
            WithAllSkills {
                first: first.clone(),
                all: skills.to_vec(),
                listed_at,
                project_id,
                budget_min,
                budget_max,
                effort_min,
                effort_max,
                starts_from,
                starts_to,
                offset_a,
                offset_b,
                limit,
            }
            .load(conn)
            .await?
        }
        _ => {
            WithAnySkill {
                skills: skills.to_vec(),
                listed_at,
                project_id,
                budget_min,
                budget_max,
                effort_min,
                effort_max,
                starts_from,
                starts_to,
                offset_a,
                offset_b,
                limit_a: limit,
                limit_b: limit,
            }
            .load(conn)
            .await?
        }
    };
    Ok(rows)
}

/// Where a walk through ranked matches is.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct RankPosition {
    /// Only projects listed until then take part, so that the walk is stable while others are listed.
    pub as_of: DateTime<Utc>,
    pub rank: f32,
    pub listed_at: DateTime<Utc>,
    pub project_id: Uuid,
}

/// Open projects whose text matches, best first among the newest [`RANKED`] matches.
pub async fn matching(
    conn: &mut Conn,
    query: &str,
    filter: &Filter,
    skills: &[String],
    all: bool,
    after: RankPosition,
    limit: i64,
) -> DbResult<Vec<(f32, ListingRow)>> {
    let (any, all) = if all { (Vec::new(), skills.to_vec()) } else { (skills.to_vec(), Vec::new()) };
    let filter = filter.clone();
    let rows = Matching {
        query: query.to_owned(),
        as_of: after.as_of,
        ranked: RANKED,
        budget_min: filter.budget_min,
        budget_max: filter.budget_max,
        effort_min: filter.effort_min,
        effort_max: filter.effort_max,
        starts_from: filter.starts_from,
        starts_to: filter.starts_to,
        offset_a: filter.utc_offset_min,
        offset_b: filter.utc_offset_min,
        any: any.clone(),
        any_b: any,
        all,
        rank: after.rank,
        listed_at: after.listed_at,
        project_id: after.project_id,
        limit,
    }
    .load::<(f32, ListingRow)>(conn)
    .await?;
    Ok(rows)
}

/// Open projects whose text matches, newest first, among the newest [`RANKED`] matches before the position.
pub async fn newest_matching(
    conn: &mut Conn,
    query: &str,
    filter: &Filter,
    skills: &[String],
    all: bool,
    after: RankPosition,
    limit: i64,
) -> DbResult<Vec<(f32, ListingRow)>> {
    let (any, all) = if all { (Vec::new(), skills.to_vec()) } else { (skills.to_vec(), Vec::new()) };
    let filter = filter.clone();
    let rows = NewestMatching {
        query: query.to_owned(),
        as_of: after.as_of.min(after.listed_at),
        ranked: RANKED,
        budget_min: filter.budget_min,
        budget_max: filter.budget_max,
        effort_min: filter.effort_min,
        effort_max: filter.effort_max,
        starts_from: filter.starts_from,
        starts_to: filter.starts_to,
        offset_a: filter.utc_offset_min,
        offset_b: filter.utc_offset_min,
        any: any.clone(),
        any_b: any,
        all,
        listed_at: after.listed_at,
        project_id: after.project_id,
        limit,
    }
    .load::<(f32, ListingRow)>(conn)
    .await?;
    Ok(rows)
}

statement! {
    /// The median budget per hour (US cents) of the newest open projects with any of the skills, when there are ten.
    struct MarketRate(skills: Vec<String> as Array<Text>) -> (Nullable<BigInt>);
    "SELECT CASE WHEN count(*) >= 10
            THEN round(percentile_cont(0.5) WITHIN GROUP (ORDER BY budget_usd_minor::float8 / effort_hours))::bigint END
     FROM (SELECT DISTINCT project_id, budget_usd_minor, effort_hours
           FROM unnest({}) AS wanted (skill), LATERAL (
              SELECT project_id, budget_usd_minor, effort_hours FROM listing_skills k
              WHERE k.skill = wanted.skill ORDER BY listed_at DESC, project_id DESC LIMIT 200) s) newest"
}

/// The median budget per hour (US cents) of open projects with any of the skills; none with fewer than ten.
pub async fn market_rate(conn: &mut Conn, skills: &[String]) -> DbResult<Option<i64>> {
    let (rate,): (Option<i64>,) = MarketRate { skills: skills.to_vec() }.get_result(conn).await?;
    Ok(rate)
}
