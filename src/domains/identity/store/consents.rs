//! Consents: a history, of which the newest row of a kind counts.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::consents;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// Something agreed to or taken back.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = consents, check_for_backend(diesel::pg::Pg))]
pub struct ConsentRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub kind: String,
    pub version: String,
    pub act: String,
    pub at: DateTime<Utc>,
}

/// Adds to the history.
pub async fn insert(conn: &mut Conn, row: &ConsentRow) -> DbResult<usize> {
    Ok(diesel::insert_into(consents::table).values(row).execute(conn).await?)
}

/// The newest row of a kind.
pub async fn newest(conn: &mut Conn, account: AccountId, kind: &str) -> DbResult<Option<ConsentRow>> {
    Ok(consents::table
        .filter(consents::account_id.eq(account.uuid()))
        .filter(consents::kind.eq(kind))
        .order((consents::at.desc(), consents::id.desc()))
        .select(ConsentRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The whole history of a person, the oldest first.
pub async fn history(conn: &mut Conn, account: AccountId) -> DbResult<Vec<ConsentRow>> {
    Ok(consents::table
        .filter(consents::account_id.eq(account.uuid()))
        .order((consents::at, consents::id))
        .select(ConsentRow::as_select())
        .load(conn)
        .await?)
}
