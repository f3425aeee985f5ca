//! The table of appeals.

use assay_kernel::ids::{AccountId, AppealId, ApplicationId};
use assay_platform::db::schema::{appeals, decisions};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::decisions::DecisionRow;

/// One appeal a decision.
pub const ONCE: &str = "appeals_once";

/// An appeal as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = appeals, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct AppealRow {
    pub id: Uuid,
    pub decision_id: Uuid,
    pub against_id: Uuid,
    pub account_id: Uuid,
    pub text: String,
    pub state: String,
    pub due_at: DateTime<Utc>,
    pub decided_by_id: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub answer: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Stores an appeal.
pub async fn insert(conn: &mut Conn, row: &AppealRow) -> DbResult<()> {
    diesel::insert_into(appeals::table).values(row).execute(conn).await?;
    Ok(())
}

/// An appeal with its decision: anybody's, or with `of` only that person's.
pub async fn find(
    conn: &mut Conn,
    id: AppealId,
    of: Option<AccountId>,
) -> DbResult<Option<(AppealRow, DecisionRow)>> {
    let mut query = appeals::table
        .inner_join(decisions::table.on(decisions::id.eq(appeals::decision_id)))
        .filter(appeals::id.eq(id.uuid()))
        .select((AppealRow::as_select(), DecisionRow::as_select()))
        .into_boxed();
    if let Some(of) = of {
        query = query.filter(appeals::account_id.eq(of.uuid()));
    }
    Ok(query.first(conn).await.optional()?)
}

/// An appeal, locked.
pub async fn lock(conn: &mut Conn, id: AppealId) -> DbResult<Option<AppealRow>> {
    Ok(appeals::table
        .find(id.uuid())
        .for_no_key_update()
        .select(AppealRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Writes the state and the answer of an appeal that the caller has locked.
pub async fn update(conn: &mut Conn, row: &AppealRow) -> DbResult<()> {
    diesel::update(appeals::table.find(row.id))
        .set((
            appeals::state.eq(&row.state),
            appeals::decided_by_id.eq(row.decided_by_id),
            appeals::decided_at.eq(row.decided_at),
            appeals::answer.eq(&row.answer),
            appeals::version.eq(row.version),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The appeals against decisions on an application.
pub async fn of_application(conn: &mut Conn, application: ApplicationId) -> DbResult<Vec<AppealRow>> {
    Ok(appeals::table
        .inner_join(decisions::table.on(decisions::id.eq(appeals::decision_id)))
        .filter(decisions::application_id.eq(application.uuid()))
        .select(AppealRow::as_select())
        .load(conn)
        .await?)
}

/// The appeal against a decision.
pub async fn against(conn: &mut Conn, decision: Uuid) -> DbResult<Option<AppealRow>> {
    Ok(appeals::table
        .filter(appeals::decision_id.eq(decision))
        .select(AppealRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Appeals that wait for an answer, most urgent first, with their decisions.
pub async fn waiting(
    conn: &mut Conn,
    state: Option<&str>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> DbResult<Vec<(AppealRow, DecisionRow)>> {
    let mut query = appeals::table
        .inner_join(decisions::table.on(decisions::id.eq(appeals::decision_id)))
        .filter(appeals::state.eq_any(vec!["open", "in_review"]))
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(appeals::state.eq(state.to_owned()));
    }
    if let Some((due, id)) = after {
        query = query.filter(appeals::due_at.gt(due).or(appeals::due_at.eq(due).and(appeals::id.gt(id))));
    }
    Ok(query
        .order((appeals::due_at.asc(), appeals::id.asc()))
        .limit(limit)
        .select((AppealRow::as_select(), DecisionRow::as_select()))
        .load(conn)
        .await?)
}
