//! What developers say of their own capacity.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::match_preferences;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A developer's own word.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = match_preferences, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct PreferencesRow {
    pub account_id: Uuid,
    pub weekly_hours: Option<i32>,
    pub rate_amount: Option<i64>,
    pub rate_currency: Option<String>,
    pub available_from: Option<NaiveDate>,
    pub paused: bool,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// What somebody has said.
pub async fn find(conn: &mut Conn, account: AccountId) -> DbResult<Option<PreferencesRow>> {
    Ok(match_preferences::table
        .find(account.uuid())
        .select(PreferencesRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Stores it; answers the version.
pub async fn put(conn: &mut Conn, row: &PreferencesRow) -> DbResult<i64> {
    Ok(diesel::insert_into(match_preferences::table)
        .values(row)
        .on_conflict(match_preferences::account_id)
        .do_update()
        .set((
            match_preferences::weekly_hours.eq(row.weekly_hours),
            match_preferences::rate_amount.eq(row.rate_amount),
            match_preferences::rate_currency.eq(&row.rate_currency),
            match_preferences::available_from.eq(row.available_from),
            match_preferences::paused.eq(row.paused),
            match_preferences::updated_at.eq(row.updated_at),
            match_preferences::version.eq(match_preferences::version + 1),
        ))
        .returning(match_preferences::version)
        .get_result(conn)
        .await?)
}
