//! Whom staff keeps out, and why.

use assay_kernel::ids::{AccountId, MatchExclusionId};
use assay_platform::db::schema::match_exclusions;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// An exclusion as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = match_exclusions, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct ExclusionRow {
    pub id: Uuid,
    pub developer_id: Uuid,
    pub project_id: Option<Uuid>,
    pub reason: String,
    pub excluded_by_id: Uuid,
    pub created_at: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub lifted_at: Option<DateTime<Utc>>,
    pub lifted_by_id: Option<Uuid>,
    pub lift_reason: Option<String>,
    pub version: i64,
}

/// Stores an exclusion.
pub async fn insert(conn: &mut Conn, row: &ExclusionRow) -> DbResult<()> {
    diesel::insert_into(match_exclusions::table).values(row).execute(conn).await?;
    Ok(())
}

/// An exclusion, locked.
pub async fn lock(conn: &mut Conn, id: MatchExclusionId) -> DbResult<Option<ExclusionRow>> {
    Ok(match_exclusions::table
        .find(id.uuid())
        .select(ExclusionRow::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()?)
}

/// Lifts it.
pub async fn lift(conn: &mut Conn, row: &ExclusionRow) -> DbResult<()> {
    diesel::update(match_exclusions::table.find(row.id))
        .set((
            match_exclusions::lifted_at.eq(row.lifted_at),
            match_exclusions::lifted_by_id.eq(row.lifted_by_id),
            match_exclusions::lift_reason.eq(&row.lift_reason),
            match_exclusions::version.eq(row.version),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Exclusions, the newest first.
pub async fn list(
    conn: &mut Conn,
    developer: Option<AccountId>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<ExclusionRow>> {
    let mut query = match_exclusions::table.into_boxed();
    if let Some(developer) = developer {
        query = query.filter(match_exclusions::developer_id.eq(developer.uuid()));
    }
    if let Some(before) = before {
        query = query.filter(match_exclusions::id.lt(before));
    }
    Ok(query
        .order(match_exclusions::id.desc())
        .limit(limit)
        .select(ExclusionRow::as_select())
        .load(conn)
        .await?)
}
