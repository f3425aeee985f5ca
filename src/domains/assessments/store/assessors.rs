//! Who assesses: availability, time off, tracks.

use assay_kernel::ids::{AccountId, TimeOffId};
use assay_platform::db::schema::{assessor_time_off, assessor_tracks, assessors, staff_permissions};
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A row of `assessors`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = assessors, treat_none_as_null = true)]
#[allow(missing_docs)]
pub struct AssessorRow {
    pub account_id: Uuid,
    pub zone: String,
    pub weekly: Value,
    pub overrides: Value,
    pub max_per_day: Option<i32>,
    pub max_per_week: Option<i32>,
    pub weight: i32,
    pub priority: i32,
    pub employer: Option<String>,
    pub blocked_at: Option<DateTime<Utc>>,
    pub blocked_by_id: Option<Uuid>,
    pub block_reason: Option<String>,
    pub joined_at: DateTime<Utc>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// A row of `assessor_tracks`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = assessor_tracks)]
#[allow(missing_docs)]
pub struct TrackRow {
    pub assessor_id: Uuid,
    pub track: String,
    pub role: String,
}

/// A row of `assessor_time_off`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = assessor_time_off)]
#[allow(missing_docs)]
pub struct TimeOffRow {
    pub id: Uuid,
    pub assessor_id: Uuid,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Somebody of a track's pool.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct PoolRow {
    pub id: Uuid,
    pub zone: String,
    pub weekly: Value,
    pub overrides: Value,
    pub max_per_day: Option<i32>,
    pub max_per_week: Option<i32>,
    pub weight: i32,
    pub priority: i32,
    pub joined_at: DateTime<Utc>,
    pub blocked: bool,
    pub lead: bool,
    pub observer: bool,
}

statement! {
    /// Everybody who may lead or observe on a track and is staff still, the blocked ones too, by id.
    struct PoolOf(track: String as Text)
        -> (SqlUuid, Text, Jsonb, Jsonb, Nullable<Integer>, Nullable<Integer>, Integer, Integer, Timestamptz, Bool, Bool, Bool);
    "SELECT a.account_id, a.zone, a.weekly, a.overrides, a.max_per_day, a.max_per_week, a.weight, a.priority, a.joined_at,
            a.blocked_at IS NOT NULL, bool_or(t.role = 'lead'), bool_or(t.role = 'observer')
     FROM assessor_tracks t
     JOIN assessors a ON a.account_id = t.assessor_id
     JOIN staff_permissions p ON p.account_id = a.account_id AND p.permission = 'assessor'
     JOIN accounts c ON c.id = a.account_id AND c.status = 'active'
     WHERE t.track = {} AND t.role IN ('lead', 'observer')
     GROUP BY a.account_id ORDER BY a.account_id"
}

statement! {
    /// Does the person train for the track, as staff that is not blocked?
    struct TrainsFor(account: Uuid as SqlUuid, track: String as Text) -> (Bool);
    "SELECT EXISTS (
        SELECT FROM assessor_tracks t JOIN assessors a ON a.account_id = t.assessor_id
        WHERE t.assessor_id = {} AND t.track = {} AND t.role = 'shadow' AND a.blocked_at IS NULL)"
}

statement! {
    /// Which of these are blocked or no longer staff.
    struct Unfit(ids: Vec<Uuid> as Array<SqlUuid>) -> (SqlUuid);
    "SELECT a.account_id FROM assessors a WHERE a.account_id = ANY ({}) AND (a.blocked_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM staff_permissions p JOIN accounts c ON c.id = p.account_id
        WHERE p.account_id = a.account_id AND p.permission = 'assessor' AND c.status = 'active'))"
}

/// Everybody who may lead or observe on a track, by id.
pub async fn pool(conn: &mut Conn, track: &str) -> DbResult<Vec<PoolRow>> {
    Ok(PoolOf { track: track.to_owned() }.load(conn).await?)
}

/// Does the person train for the track?
pub async fn trains_for(conn: &mut Conn, account: AccountId, track: &str) -> DbResult<bool> {
    let (trains,) = TrainsFor { account: account.uuid(), track: track.to_owned() }.get_result(conn).await?;
    Ok(trains)
}

/// Which of these can take no session any more.
pub async fn unfit(conn: &mut Conn, ids: &[Uuid]) -> DbResult<Vec<(Uuid,)>> {
    Ok(Unfit { ids: ids.to_vec() }.load(conn).await?)
}

/// Is the person staff who assesses?
pub async fn is_staff(conn: &mut Conn, account: AccountId) -> DbResult<bool> {
    let mine = staff_permissions::table.filter(staff_permissions::account_id.eq(account.uuid()));
    let query =
        diesel::select(diesel::dsl::exists(mine.filter(staff_permissions::permission.eq("assessor"))));
    Ok(query.get_result(conn).await?)
}

/// An assessor.
pub async fn find(conn: &mut Conn, id: AccountId) -> DbResult<Option<AssessorRow>> {
    Ok(assessors::table.find(id.uuid()).select(AssessorRow::as_select()).first(conn).await.optional()?)
}

/// An assessor, locked as those who book lock them.
pub async fn lock_one(conn: &mut Conn, id: AccountId) -> DbResult<Option<AssessorRow>> {
    let query = assessors::table.find(id.uuid()).for_no_key_update().select(AssessorRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Locks assessors in the order of their ids, which everybody keeps: limits are counted under these locks.
pub async fn lock(conn: &mut Conn, ids: &[Uuid]) -> DbResult<Vec<Uuid>> {
    let query = assessors::table.filter(assessors::account_id.eq_any(ids.to_vec()));
    let query = query.order(assessors::account_id).for_no_key_update().select(assessors::account_id);
    Ok(query.load(conn).await?)
}

/// Assessors by id, after one.
pub async fn list(conn: &mut Conn, after: Option<Uuid>, limit: i64) -> DbResult<Vec<AssessorRow>> {
    let mut query = assessors::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(assessors::account_id.gt(after));
    }
    let query = query.order(assessors::account_id).limit(limit).select(AssessorRow::as_select());
    Ok(query.load(conn).await?)
}

/// Stores an assessor, or every column of one.
pub async fn put(conn: &mut Conn, row: &AssessorRow) -> DbResult<()> {
    let insert = diesel::insert_into(assessors::table).values(row);
    insert.on_conflict(assessors::account_id).do_update().set(row).execute(conn).await?;
    Ok(())
}

/// The tracks of assessors.
pub async fn tracks(conn: &mut Conn, ids: &[Uuid]) -> DbResult<Vec<TrackRow>> {
    let query = assessor_tracks::table.filter(assessor_tracks::assessor_id.eq_any(ids.to_vec()));
    let query = query.order((assessor_tracks::assessor_id, assessor_tracks::track, assessor_tracks::role));
    Ok(query.select(TrackRow::as_select()).load(conn).await?)
}

/// Takes all tracks from an assessor.
pub async fn clear_tracks(conn: &mut Conn, id: AccountId) -> DbResult<()> {
    let mine = assessor_tracks::table.filter(assessor_tracks::assessor_id.eq(id.uuid()));
    diesel::delete(mine).execute(conn).await?;
    Ok(())
}

/// Gives tracks.
pub async fn insert_tracks(conn: &mut Conn, rows: &[TrackRow]) -> DbResult<()> {
    diesel::insert_into(assessor_tracks::table).values(rows).execute(conn).await?;
    Ok(())
}

/// Tracks with somebody on them.
pub async fn staffed_tracks(conn: &mut Conn) -> DbResult<Vec<String>> {
    Ok(assessor_tracks::table
        .select(assessor_tracks::track)
        .distinct()
        .order(assessor_tracks::track)
        .load(conn)
        .await?)
}

/// Time off of assessors that ends after an instant.
pub async fn time_off(conn: &mut Conn, ids: &[Uuid], after: DateTime<Utc>) -> DbResult<Vec<TimeOffRow>> {
    let query = assessor_time_off::table
        .filter(assessor_time_off::assessor_id.eq_any(ids.to_vec()))
        .filter(assessor_time_off::ends_at.gt(after))
        .order((assessor_time_off::starts_at, assessor_time_off::id));
    Ok(query.select(TimeOffRow::as_select()).load(conn).await?)
}

/// Stores time off.
pub async fn insert_time_off(conn: &mut Conn, row: &TimeOffRow) -> DbResult<()> {
    diesel::insert_into(assessor_time_off::table).values(row).execute(conn).await?;
    Ok(())
}

/// Deletes an assessor's time off. Tells whether it was there.
pub async fn delete_time_off(conn: &mut Conn, id: TimeOffId, of: AccountId) -> DbResult<bool> {
    let mine = assessor_time_off::table.find(id.uuid()).filter(assessor_time_off::assessor_id.eq(of.uuid()));
    Ok(diesel::delete(mine).execute(conn).await? > 0)
}
