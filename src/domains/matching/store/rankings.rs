//! Rankings as they were given, and the exposure that they gave.

use assay_kernel::ids::{AccountId, MatchId, ProjectId};
use assay_platform::db::schema::{match_invitations, rankings};
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Float8, Int4, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::kept::{Asked, Kept, KeptPlace, Missed};

/// A ranking as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = rankings, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct RankingRow {
    pub id: Uuid,
    pub project_id: Uuid,
    pub requested_by_id: Uuid,
    pub model: String,
    pub parameters_version: i32,
    pub calibration: String,
    pub snapshot_version: i64,
    pub policy_version: String,
    pub seed: i64,
    pub asked: Json<Asked>,
    pub feasible: i32,
    pub median: Json<Option<Kept>>,
    /// None in the stead of somebody who was erased.
    pub places: Json<Vec<Option<KeptPlace>>>,
    pub near_misses: Json<Vec<Missed>>,
    pub created_at: DateTime<Utc>,
}

impl RankingRow {
    /// Who stands on the first `depth` places.
    pub fn first(&self, depth: usize) -> Vec<Uuid> {
        self.places.iter().take(depth).flatten().map(|place| place.developer).collect()
    }
}

/// A ranking.
pub async fn find(conn: &mut Conn, id: MatchId) -> DbResult<Option<RankingRow>> {
    Ok(rankings::table.find(id.uuid()).select(RankingRow::as_select()).first(conn).await.optional()?)
}

/// Rankings of a project, the newest first.
pub async fn of_project(
    conn: &mut Conn,
    project: ProjectId,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<RankingRow>> {
    let mut query = rankings::table.filter(rankings::project_id.eq(project.uuid())).into_boxed();
    if let Some(before) = before {
        query = query.filter(rankings::id.lt(before));
    }
    Ok(query.order(rankings::id.desc()).limit(limit).select(RankingRow::as_select()).load(conn).await?)
}

/// An impression as stored.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ImpressionRow {
    pub developer: Uuid,
    pub day: i32,
    pub place: i32,
    pub given: f64,
    pub taken: f64,
    pub from_day: i32,
    pub to_day: i32,
}

assay_platform::statement! {
    /// Keeps a ranking, books its impressions if they are the project's first of the day, and tells what people are called.
    struct Keep(id: Uuid as SqlUuid, project: Uuid as SqlUuid, requested_by: Uuid as SqlUuid, model: String as Text,
        parameters_version: i32 as Int4, calibration: String as Text, snapshot_version: i64 as BigInt,
        policy_version: String as Text, seed: i64 as BigInt, asked: Json<Asked> as Jsonb, feasible: i32 as Int4,
        median: Json<Option<Kept>> as Jsonb, places: Json<Vec<Option<KeptPlace>>> as Text, near_misses: Json<Vec<Missed>> as Jsonb,
        at: DateTime<Utc> as Timestamptz, day: i32 as Int4, shown: bool as Bool, from: i32 as Int4,
        to: i32 as Int4, developers: Vec<Uuid> as Array<SqlUuid>, numbers: Vec<i32> as Array<Int4>,
        given: Vec<f64> as Array<Float8>, taken: Vec<f64> as Array<Float8>, named: Vec<Uuid> as Array<SqlUuid>)
        -> (SqlUuid, Nullable<Text>, Nullable<Text>);
    "WITH kept AS (
        INSERT INTO rankings (id, project_id, requested_by_id, model, parameters_version, calibration, snapshot_version,
            policy_version, seed, asked, feasible, median, places, near_misses, created_at)
        VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}) RETURNING id, project_id
     ), first AS (
        INSERT INTO impression_days (project, day) SELECT project_id, {} FROM kept WHERE {}
        ON CONFLICT DO NOTHING RETURNING day
     ), booked AS (
        INSERT INTO impressions (project, day, ranking, from_day, to_day, developer, place, given, taken)
        SELECT project_id, day, id, {}, {}, t.* FROM kept, first, unnest({}, {}, {}, {}) t
     )
     SELECT id, display_name, headline FROM accounts WHERE id = ANY({})"
}

/// What somebody is called, and what they say of themselves in a line.
pub type Named = (Uuid, Option<String>, Option<String>);

/// Keeps a ranking with the exposure that it gives; answers what the people of the first `depth` places are called.
/// Rankings of the same project and day give exposure once: asking again takes nothing from anybody.
pub async fn keep(
    conn: &mut Conn,
    row: &RankingRow,
    impressions: &[ImpressionRow],
    depth: usize,
) -> DbResult<Vec<Named>> {
    let first = impressions.first();
    let keep = Keep {
        id: row.id,
        project: row.project_id,
        requested_by: row.requested_by_id,
        model: row.model.clone(),
        parameters_version: row.parameters_version,
        calibration: row.calibration.clone(),
        snapshot_version: row.snapshot_version,
        policy_version: row.policy_version.clone(),
        seed: row.seed,
        asked: row.asked.clone(),
        feasible: row.feasible,
        median: row.median.clone(),
        places: row.places.clone(),
        near_misses: row.near_misses.clone(),
        at: row.created_at,
        day: first.map_or(0, |one| one.day),
        shown: first.is_some(),
        from: first.map_or(0, |one| one.from_day),
        to: first.map_or(0, |one| one.to_day),
        developers: impressions.iter().map(|one| one.developer).collect(),
        numbers: impressions.iter().map(|one| one.place).collect(),
        given: impressions.iter().map(|one| one.given).collect(),
        taken: impressions.iter().map(|one| one.taken).collect(),
        named: row.first(depth),
    };
    Ok(keep.load(conn).await?)
}

type ImpressionTuple = (Uuid, i32, i32, f64, f64, i32, i32, Uuid);

/// An impression with its ranking.
fn impression(
    (developer, day, place, given, taken, from_day, to_day, ranking): ImpressionTuple,
) -> (ImpressionRow, Uuid) {
    (ImpressionRow { developer, day, place, given, taken, from_day, to_day }, ranking)
}

assay_platform::statement! {
    /// Impressions of rankings.
    struct OfRankings(rankings: Vec<Uuid> as Array<SqlUuid>)
        -> (SqlUuid, Int4, Int4, Float8, Float8, Int4, Int4, SqlUuid);
    "SELECT developer, day, place, given, taken, from_day, to_day, ranking FROM impressions
     WHERE ranking = ANY({})"
}

/// Impressions of rankings, each with its ranking.
pub async fn impressions_by(conn: &mut Conn, rankings: Vec<Uuid>) -> DbResult<Vec<(ImpressionRow, Uuid)>> {
    let rows: Vec<ImpressionTuple> = OfRankings { rankings }.load(conn).await?;
    Ok(rows.into_iter().map(impression).collect())
}

assay_platform::statement! {
    /// Impressions of developers.
    struct OfDevelopers(developers: Vec<Uuid> as Array<SqlUuid>)
        -> (SqlUuid, Int4, Int4, Float8, Float8, Int4, Int4, SqlUuid);
    "SELECT developer, day, place, given, taken, from_day, to_day, ranking FROM impressions
     WHERE developer = ANY({})"
}

/// Impressions of developers, each with its ranking.
pub async fn impressions_of(conn: &mut Conn, developers: Vec<Uuid>) -> DbResult<Vec<(ImpressionRow, Uuid)>> {
    let rows: Vec<ImpressionTuple> = OfDevelopers { developers }.load(conn).await?;
    Ok(rows.into_iter().map(impression).collect())
}

assay_platform::statement! {
    /// All impressions after a key.
    struct AllAfter(developer: Uuid as SqlUuid, day: i32 as Int4, project: Uuid as SqlUuid, limit: i64 as BigInt)
        -> (SqlUuid, Int4, Int4, Float8, Float8, Int4, Int4, SqlUuid, SqlUuid);
    "SELECT developer, day, place, given, taken, from_day, to_day, ranking, project FROM impressions
     WHERE (developer, day, project) > ({}, {}, {}) ORDER BY developer, day, project LIMIT {}"
}

/// Where a walk over all impressions stands.
pub type Place = (Uuid, i32, Uuid);

/// A page of all impressions, with their rankings; and where to go on.
pub async fn all_impressions(
    conn: &mut Conn,
    after: Place,
    limit: i64,
) -> DbResult<(Vec<(ImpressionRow, Uuid)>, Option<Place>)> {
    type Row = (Uuid, i32, i32, f64, f64, i32, i32, Uuid, Uuid);
    let (developer, day, project) = after;
    let rows: Vec<Row> = AllAfter { developer, day, project, limit }.load(conn).await?;
    let next = rows.last().map(|row| (row.0, row.1, row.8));
    let with = |row: Row| impression((row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7));
    Ok((rows.into_iter().map(with).collect(), next))
}

assay_platform::statement! {
    /// Rankings that the first `seq` events do not tell of yet.
    struct UntoldRankings(seq: i64 as BigInt) -> (Text);
    "SELECT subject FROM events WHERE seq > {} AND seq <= 9223372036854775807 AND kind = 'match.ranked'
     UNION ALL SELECT subject FROM events WHERE seq IS NULL AND kind = 'match.ranked'"
}

/// Rankings that the first `seq` events do not tell of yet.
pub async fn untold(conn: &mut Conn, seq: i64) -> DbResult<Vec<MatchId>> {
    let rows: Vec<(String,)> = UntoldRankings { seq }.load(conn).await?;
    Ok(rows.into_iter().filter_map(|(id,)| id.parse().ok()).collect())
}

/// What a developer was shown for.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ShownRow {
    pub project: Uuid,
    pub title: String,
    pub day: i32,
    pub place: i32,
}

assay_platform::statement! {
    /// Where a developer was among the first ten.
    struct ShownFor(developer: Uuid as SqlUuid, day: i32 as Int4, project: Uuid as SqlUuid, limit: i64 as BigInt)
        -> (SqlUuid, Text, Int4, Int4);
    "SELECT i.project, p.title, i.day, i.place FROM impressions i JOIN projects p ON p.id = i.project
     WHERE i.developer = {} AND i.given > 0 AND (i.day, i.project) < ({}, {})
     ORDER BY i.day DESC, i.project DESC LIMIT {}"
}

/// Where a developer was among the first ten, the latest first.
pub async fn shown(
    conn: &mut Conn,
    developer: AccountId,
    before: Option<(i32, Uuid)>,
    limit: i64,
) -> DbResult<Vec<ShownRow>> {
    let (day, project) = before.unwrap_or((i32::MAX, Uuid::max()));
    let rows: Vec<(Uuid, String, i32, i32)> =
        ShownFor { developer: developer.uuid(), day, project, limit }.load(conn).await?;
    let shown = |(project, title, day, place)| ShownRow { project, title, day, place };
    Ok(rows.into_iter().map(shown).collect())
}

/// Notes that an invitation came of a ranking.
pub async fn link_invitation(conn: &mut Conn, invitation: Uuid, ranking: Uuid, place: i32) -> DbResult<()> {
    diesel::insert_into(match_invitations::table)
        .values((
            match_invitations::invitation_id.eq(invitation),
            match_invitations::ranking_id.eq(ranking),
            match_invitations::place.eq(place),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

assay_platform::statement! {
    /// What people are called.
    struct NamesOf(ids: Vec<Uuid> as Array<SqlUuid>) -> (SqlUuid, Nullable<Text>, Nullable<Text>);
    "SELECT id, display_name, headline FROM accounts WHERE id = ANY({})"
}

/// What people are called, and what they say of themselves in a line.
pub async fn names(conn: &mut Conn, ids: Vec<Uuid>) -> DbResult<Vec<Named>> {
    Ok(NamesOf { ids }.load(conn).await?)
}
