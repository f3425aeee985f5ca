//! How milestones ended.

use assay_kernel::ids::{AccountId, ProjectId};
use assay_platform::db::schema::delivery_outcomes;
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A row of `delivery_outcomes`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery_outcomes, check_for_backend(diesel::pg::Pg))]
pub struct OutcomeRow {
    /// Its id.
    pub id: Uuid,
    /// Which milestone.
    pub milestone_id: Uuid,
    /// Who worked.
    pub developer_id: Uuid,
    /// For whom.
    pub organisation_id: Uuid,
    /// On what.
    pub project_id: Uuid,
    /// Share of the amount that became the developer's.
    pub accepted_bps: i32,
    /// Delivered by the agreed day?
    pub on_time: Option<bool>,
    /// Asked back, or taken back?
    pub disputed: bool,
    /// Share of the project's skills that the portfolio shows.
    pub fit_bps: Option<i32>,
    /// Its amount, minor units.
    pub amount: i64,
    /// Of which currency.
    pub currency: String,
    /// The technical score when it ended.
    pub technical_theta: Option<f64>,
    /// The collaboration score when it ended.
    pub collaboration_theta: Option<f64>,
    /// By which rubric these were rated.
    pub rubric_version: Option<String>,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// Notes an outcome, once a milestone.
pub async fn insert(conn: &mut Conn, row: &OutcomeRow) -> DbResult<bool> {
    let made = diesel::insert_into(delivery_outcomes::table).values(row).on_conflict_do_nothing();
    Ok(made.execute(conn).await? > 0)
}

/// Outcomes of a developer, the oldest first.
pub async fn of(conn: &mut Conn, developer: AccountId) -> DbResult<Vec<OutcomeRow>> {
    Ok(delivery_outcomes::table
        .filter(delivery_outcomes::developer_id.eq(developer.uuid()))
        .order((delivery_outcomes::occurred_at, delivery_outcomes::id))
        .select(OutcomeRow::as_select())
        .load(conn)
        .await?)
}

/// Outcomes of everybody whose score was known when they ended, the oldest first.
pub async fn scored(conn: &mut Conn) -> DbResult<Vec<OutcomeRow>> {
    Ok(delivery_outcomes::table
        .filter(delivery_outcomes::technical_theta.is_not_null())
        .order((delivery_outcomes::occurred_at, delivery_outcomes::id))
        .select(OutcomeRow::as_select())
        .load(conn)
        .await?)
}

statement! {
    /// The share of the project's needed skills that the portfolio shows, basis points; null without such skills.
    struct Fit(project: Uuid as sql_types::Uuid, developer: Uuid as sql_types::Uuid)
        -> (sql_types::Nullable<sql_types::Integer>,);
    "SELECT (10000 * count(s.skill) / nullif(count(*), 0))::int
     FROM (SELECT n ->> 'skill' AS skill FROM projects p, jsonb_array_elements(p.skills) n
           WHERE p.id = {} AND (n ->> 'must')::boolean) needed
     LEFT JOIN portfolio_skills s ON s.skill = needed.skill AND NOT s.removed AND s.account_id = {}"
}

/// How far a developer's portfolio shows the skills of a project.
pub async fn fit(conn: &mut Conn, project: ProjectId, developer: AccountId) -> DbResult<Option<i32>> {
    let (fit,): (Option<i32>,) =
        Fit { project: project.uuid(), developer: developer.uuid() }.get_result(conn).await?;
    Ok(fit)
}
