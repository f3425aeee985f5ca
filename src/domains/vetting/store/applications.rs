//! The table of applications.

use assay_kernel::ids::{AccountId, ApplicationId};
use assay_platform::db::schema::applications;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// At most one live application a person.
pub const ONE_LIVE: &str = "applications_one_live";

/// States in which an application is under way.
const LIVE: &[&str] =
    &["draft", "submitted", "screening", "changes_requested", "assessment_ready", "assessed"];

/// An application as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = applications, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)]
pub struct ApplicationRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub state: String,
    pub tracks: Vec<String>,
    pub statement: Option<String>,
    pub hours_per_week: Option<i32>,
    pub rate_amount: Option<i64>,
    pub rate_currency: Option<String>,
    pub languages: Value,
    pub fast_lane: Option<Value>,
    pub fast_lane_at: Option<DateTime<Utc>>,
    pub reviewer_id: Option<Uuid>,
    pub claimed_until: Option<DateTime<Utc>>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub screening_due_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub policy_version: String,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Stores a new application.
pub async fn insert(conn: &mut Conn, row: &ApplicationRow) -> DbResult<()> {
    diesel::insert_into(applications::table).values(row).execute(conn).await?;
    Ok(())
}

/// Writes an application that the caller has locked.
pub async fn update(conn: &mut Conn, row: &ApplicationRow) -> DbResult<()> {
    diesel::update(applications::table.find(row.id)).set(row).execute(conn).await?;
    Ok(())
}

/// An application.
pub async fn find(conn: &mut Conn, id: ApplicationId) -> DbResult<Option<ApplicationRow>> {
    Ok(applications::table
        .find(id.uuid())
        .select(ApplicationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// An application, locked.
pub async fn lock(conn: &mut Conn, id: ApplicationId) -> DbResult<Option<ApplicationRow>> {
    Ok(applications::table
        .find(id.uuid())
        .for_no_key_update()
        .select(ApplicationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The person's application that is under way.
pub async fn live(conn: &mut Conn, account: AccountId) -> DbResult<Option<Uuid>> {
    Ok(applications::table
        .filter(applications::account_id.eq(account.uuid()))
        .filter(applications::state.eq_any(LIVE.to_vec()))
        .select(applications::id)
        .first(conn)
        .await
        .optional()?)
}

/// The person's applications, newest first.
pub async fn of_account(
    conn: &mut Conn,
    account: AccountId,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<ApplicationRow>> {
    let mut query = applications::table.filter(applications::account_id.eq(account.uuid())).into_boxed();
    if let Some(before) = before {
        query = query.filter(applications::id.lt(before));
    }
    Ok(query
        .order(applications::id.desc())
        .limit(limit)
        .select(ApplicationRow::as_select())
        .load(conn)
        .await?)
}

/// Which of the queue's applications are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<&'static str>,
    /// Only those claimed by this reviewer.
    pub reviewer: Option<AccountId>,
    /// Only those that are late (or not) at this time.
    pub overdue: Option<(bool, DateTime<Utc>)>,
    /// Only those that claim the fast lane (or do not).
    pub fast_lane: Option<bool>,
}

/// Applications that wait for screening or are in it, most urgent first.
pub async fn queue(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> DbResult<Vec<ApplicationRow>> {
    let mut query =
        applications::table.filter(applications::state.eq_any(vec!["submitted", "screening"])).into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(applications::state.eq(state));
    }
    if let Some(reviewer) = filter.reviewer {
        query = query.filter(applications::reviewer_id.eq(reviewer.uuid()));
    }
    query = match filter.overdue {
        Some((true, now)) => query.filter(applications::screening_due_at.le(now)),
        Some((false, now)) => query.filter(applications::screening_due_at.gt(now)),
        None => query,
    };
    query = match filter.fast_lane {
        Some(true) => query.filter(applications::fast_lane.is_not_null()),
        Some(false) => query.filter(applications::fast_lane.is_null()),
        None => query,
    };
    if let Some((due, id)) = after {
        query = query.filter(
            applications::screening_due_at
                .gt(due)
                .or(applications::screening_due_at.eq(due).and(applications::id.gt(id))),
        );
    }
    Ok(query
        .order((applications::screening_due_at.asc(), applications::id.asc()))
        .limit(limit)
        .select(ApplicationRow::as_select())
        .load(conn)
        .await?)
}
