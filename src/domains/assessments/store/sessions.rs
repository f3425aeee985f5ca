//! What a session changes: who is there, how its booking ends, invitations' numbers.

use assay_kernel::ids::AssessmentId;
use assay_platform::db::schema::{accounts, booking_hosts, bookings};
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

/// Ends the confirmed booking of an assessment. Answers it.
pub async fn end_booking(conn: &mut Conn, id: AssessmentId, state: &str) -> DbResult<Option<Uuid>> {
    let live =
        bookings::table.filter(bookings::assessment_id.eq(id.uuid())).filter(bookings::state.eq("confirmed"));
    Ok(diesel::update(live)
        .set(bookings::state.eq(state))
        .returning(bookings::id)
        .get_result(conn)
        .await
        .optional()?)
}

/// Gives the hosts of a booking its state.
pub async fn end_hosts(conn: &mut Conn, booking: Uuid, state: &str) -> DbResult<usize> {
    let hosts = booking_hosts::table.filter(booking_hosts::booking_id.eq(booking));
    Ok(diesel::update(hosts).set(booking_hosts::state.eq(state)).execute(conn).await?)
}
