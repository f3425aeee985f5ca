//! Who is there, and how they are called.

use assay_platform::db::schema::{accounts, booking_hosts};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// How a person is called, and their zone.
#[derive(Clone, Debug, Queryable)]
pub struct PersonRow {
    /// Login at GitHub.
    pub login: String,
    /// As they want to be called.
    pub display_name: Option<String>,
    /// Their IANA zone.
    pub time_zone: Option<String>,
}

/// A person.
pub async fn person(conn: &mut Conn, account: Uuid) -> DbResult<Option<PersonRow>> {
    let columns = (accounts::login, accounts::display_name, accounts::time_zone);
    Ok(accounts::table.find(account).select(columns).first(conn).await.optional()?)
}

/// Somebody of the staff is there.
pub async fn check_host_in(conn: &mut Conn, booking: Uuid, host: Uuid, at: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::update(booking_hosts::table.find((booking, host)))
        .set(booking_hosts::checked_in_at.eq(at))
        .execute(conn)
        .await?)
}
