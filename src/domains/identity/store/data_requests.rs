//! People's requests about their data.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::data_requests;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A request.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = data_requests, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct RequestRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub kind: String,
    pub state: String,
    pub due_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub sealed: Option<Vec<u8>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Adds a request; none when one of the kind is open already.
pub async fn insert(conn: &mut Conn, row: &RequestRow) -> DbResult<Option<RequestRow>> {
    Ok(diesel::insert_into(data_requests::table)
        .values(row)
        .on_conflict_do_nothing()
        .returning(RequestRow::as_returning())
        .get_result(conn)
        .await
        .optional()?)
}

/// Writes a request.
pub async fn update(conn: &mut Conn, row: &RequestRow) -> DbResult<usize> {
    Ok(diesel::update(data_requests::table.find(row.id)).set(row).execute(conn).await?)
}

/// A request, held until the transaction ends.
pub async fn lock(conn: &mut Conn, id: Uuid) -> DbResult<Option<RequestRow>> {
    Ok(data_requests::table
        .find(id)
        .for_update()
        .select(RequestRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A person's request.
pub async fn find(conn: &mut Conn, account: AccountId, id: Uuid) -> DbResult<Option<RequestRow>> {
    Ok(data_requests::table
        .find(id)
        .filter(data_requests::account_id.eq(account.uuid()))
        .select(RequestRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A person's newest request of a kind.
pub async fn newest(conn: &mut Conn, account: AccountId, kind: &str) -> DbResult<Option<RequestRow>> {
    Ok(data_requests::table
        .filter(data_requests::account_id.eq(account.uuid()))
        .filter(data_requests::kind.eq(kind))
        .order(data_requests::id.desc())
        .select(RequestRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Deletes requests that ended before.
pub async fn delete_ended(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(
        data_requests::table
            .filter(data_requests::state.eq_any(["expired", "cancelled", "erased"]))
            .filter(data_requests::updated_at.lt(before)),
    )
    .execute(conn)
    .await?)
}
