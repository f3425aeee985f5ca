//! What a session changes: who is there, how its booking ends, invitations' numbers.

use assay_kernel::ids::AssessmentId;
use assay_platform::db::schema::{accounts, assessments, booking_hosts, bookings};
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

/// Raises SEQUENCE of the invitations, and answers it.
pub async fn next_sequence(conn: &mut Conn, id: Uuid) -> DbResult<i32> {
    Ok(diesel::update(assessments::table.find(id))
        .set(assessments::ics_sequence.eq(assessments::ics_sequence + 1))
        .returning(assessments::ics_sequence)
        .get_result(conn)
        .await?)
}

/// Keeps where the session takes place.
pub async fn set_video_url(conn: &mut Conn, id: Uuid, url: &str) -> DbResult<usize> {
    let row = assessments::table.find(id);
    Ok(diesel::update(row).set(assessments::video_url.eq(url)).execute(conn).await?)
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

/// Hosts of any booking of the assessment that are not of its present one: who has left.
pub async fn former_hosts(conn: &mut Conn, id: AssessmentId) -> DbResult<Vec<Uuid>> {
    Ok(booking_hosts::table
        .inner_join(bookings::table)
        .filter(bookings::assessment_id.eq(id.uuid()))
        .filter(bookings::state.eq_any(["rescheduled", "cancelled_early", "cancelled_late"]))
        .select(booking_hosts::assessor_id)
        .distinct()
        .load(conn)
        .await?)
}
