//! What was learned.

use assay_platform::db::schema::match_parameters;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A version of the parameters.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = match_parameters, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct ParametersRow {
    pub version: i32,
    pub acceptance: Vec<f64>,
    pub success: Vec<f64>,
    pub record_variance: f64,
    pub answers: i32,
    pub outcomes: i32,
    pub loss: f64,
    pub loss_before: f64,
    pub promoted: bool,
    pub learned_at: DateTime<Utc>,
}

/// Those in force.
pub async fn current(conn: &mut Conn) -> DbResult<Option<ParametersRow>> {
    Ok(match_parameters::table
        .filter(match_parameters::promoted)
        .order(match_parameters::version.desc())
        .select(ParametersRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A version.
pub async fn find(conn: &mut Conn, version: i32) -> DbResult<Option<ParametersRow>> {
    Ok(match_parameters::table
        .find(version)
        .select(ParametersRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The newest, promoted or not.
pub async fn newest(conn: &mut Conn) -> DbResult<Option<ParametersRow>> {
    Ok(match_parameters::table
        .order(match_parameters::version.desc())
        .select(ParametersRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Stores a version; `false` when another process was quicker.
pub async fn insert(conn: &mut Conn, row: &ParametersRow) -> DbResult<bool> {
    Ok(diesel::insert_into(match_parameters::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?
        == 1)
}
