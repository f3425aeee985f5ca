//! Times that are held or booked, and who of the staff is blocked by them.
//!
//! Locks are taken in one order by everybody: the assessment, assessors by id, bookings by id. Rows of `booking_hosts`
//! are written under the lock of their booking.

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_platform::db::schema::{booking_hosts, bookings};
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use std::ops::Bound;
use uuid::Uuid;

/// No two sessions of a candidate at once.
pub const CANDIDATE_APART: &str = "bookings_of_candidate_apart";

/// A row of `bookings`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = bookings)]
#[allow(missing_docs)]
pub struct BookingRow {
    pub id: Uuid,
    pub assessment_id: Uuid,
    pub candidate_id: Uuid,
    pub state: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A row of `booking_hosts` to insert.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = booking_hosts)]
#[allow(missing_docs)]
pub struct SeatRow {
    pub booking_id: Uuid,
    pub assessor_id: Uuid,
    pub role: String,
    pub state: String,
    pub blocked: (Bound<DateTime<Utc>>, Bound<DateTime<Utc>>),
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub local_date: NaiveDate,
    pub assigned_at: DateTime<Utc>,
}

/// A session that takes an assessor's time.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct TakenRow {
    pub assessor_id: Uuid,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub state: String,
    pub before_min: i32,
    pub after_min: i32,
    pub expires_at: Option<DateTime<Utc>>,
}

statement! {
    /// Sessions of assessors that start within a range and may block or count, but for one booking.
    struct Taken(ids: Vec<Uuid> as Array<SqlUuid>, from: DateTime<Utc> as Timestamptz, to: DateTime<Utc> as Timestamptz,
        but: Uuid as SqlUuid)
        -> (SqlUuid, Timestamptz, Timestamptz, Text, Integer, Integer, Nullable<Timestamptz>);
    "SELECT h.assessor_id, h.starts_at, h.ends_at, h.state,
            (extract(epoch FROM h.starts_at - lower(h.blocked)) / 60)::integer,
            (extract(epoch FROM upper(h.blocked) - h.ends_at) / 60)::integer,
            CASE WHEN h.state = 'held' THEN (SELECT b.expires_at FROM bookings b WHERE b.id = h.booking_id) END
     FROM booking_hosts h
     WHERE h.assessor_id = ANY ({}) AND h.starts_at >= {} AND h.starts_at < {} AND h.booking_id <> {}
       AND h.state IN ('held', 'confirmed', 'completed', 'no_show')"
}

statement! {
    /// When assessors were given sessions since an instant, and the last time before; with the states of those.
    struct Assigned(ids: Vec<Uuid> as Array<SqlUuid>, since_a: DateTime<Utc> as Timestamptz,
        since_b: DateTime<Utc> as Timestamptz) -> (SqlUuid, Timestamptz, Text);
    "WITH pool AS (SELECT unnest({}) AS id)
     SELECT h.assessor_id, h.assigned_at, h.state FROM pool JOIN booking_hosts h ON h.assessor_id = pool.id
     WHERE h.assigned_at >= {} AND h.role <> 'shadow'
     UNION ALL
     SELECT pool.id, l.assigned_at, l.state FROM pool CROSS JOIN LATERAL (
         SELECT assigned_at, state FROM booking_hosts h
         WHERE h.assessor_id = pool.id AND h.assigned_at < {} AND h.role <> 'shadow'
         ORDER BY h.assigned_at DESC LIMIT 1) l"
}

statement! {
    /// When a person is in a session within a range, as candidate or as staff, but for one booking.
    struct Busy(candidate: Uuid as SqlUuid, to_a: DateTime<Utc> as Timestamptz, from_a: DateTime<Utc> as Timestamptz,
        but: Uuid as SqlUuid, assessor: Uuid as SqlUuid, to_b: DateTime<Utc> as Timestamptz,
        from_b: DateTime<Utc> as Timestamptz) -> (Timestamptz, Timestamptz);
    "SELECT starts_at, ends_at FROM bookings
     WHERE candidate_id = {} AND state = 'confirmed' AND starts_at < {} AND ends_at > {} AND id <> {}
     UNION ALL
     SELECT starts_at, ends_at FROM booking_hosts
     WHERE assessor_id = {} AND state IN ('held', 'confirmed') AND starts_at < {} AND ends_at > {}"
}

statement! {
    /// Ends holds of assessors that have run out. A hold whose end is now has run out.
    struct ExpireHolds(ids: Vec<Uuid> as Array<SqlUuid>, now: DateTime<Utc> as Timestamptz) -> (SqlUuid);
    "WITH due AS (
        SELECT b.id FROM bookings b
        WHERE b.id IN (SELECT h.booking_id FROM booking_hosts h WHERE h.assessor_id = ANY ({}) AND h.state = 'held')
          AND b.state = 'held' AND b.expires_at <= {}
        ORDER BY b.id FOR UPDATE),
     hosts AS (UPDATE booking_hosts SET state = 'expired' WHERE booking_id IN (SELECT id FROM due))
     UPDATE bookings SET state = 'expired' WHERE id IN (SELECT id FROM due) RETURNING id"
}

statement! {
    /// Moves a booking and its hosts to a state.
    struct Finish(state_a: String as Text, id_a: Uuid as SqlUuid, state_b: String as Text, id_b: Uuid as SqlUuid)
        -> (SqlUuid);
    "WITH hosts AS (UPDATE booking_hosts SET state = {} WHERE booking_id = {})
     UPDATE bookings SET state = {} WHERE id = {} RETURNING id"
}

/// Inserts a booking.
pub async fn insert(conn: &mut Conn, row: &BookingRow) -> DbResult<()> {
    diesel::insert_into(bookings::table).values(row).execute(conn).await?;
    Ok(())
}

/// Seats staff, who must come sorted. Those who are taken meanwhile are left out: the count tells.
pub async fn insert_seats(conn: &mut Conn, rows: &[SeatRow]) -> DbResult<usize> {
    let insert = diesel::insert_into(booking_hosts::table).values(rows);
    Ok(insert.on_conflict_do_nothing().execute(conn).await?)
}

/// The booking of an assessment that is held or confirmed.
pub async fn live(conn: &mut Conn, id: AssessmentId) -> DbResult<Option<BookingRow>> {
    let query = bookings::table
        .filter(bookings::assessment_id.eq(id.uuid()))
        .filter(bookings::state.eq_any(vec!["held", "confirmed"]));
    Ok(query.select(BookingRow::as_select()).first(conn).await.optional()?)
}

/// A booking, locked.
pub async fn lock(conn: &mut Conn, id: Uuid) -> DbResult<Option<BookingRow>> {
    Ok(bookings::table.find(id).for_update().select(BookingRow::as_select()).first(conn).await.optional()?)
}

/// Who of the staff is seated in a booking, by id.
pub async fn seats(conn: &mut Conn, id: Uuid) -> DbResult<Vec<(Uuid, String)>> {
    let query = booking_hosts::table.filter(booking_hosts::booking_id.eq(id));
    let query =
        query.order(booking_hosts::assessor_id).select((booking_hosts::assessor_id, booking_hosts::role));
    Ok(query.load(conn).await?)
}

/// Takes a seat away.
pub async fn unseat(conn: &mut Conn, id: Uuid, assessor: Uuid) -> DbResult<()> {
    diesel::delete(booking_hosts::table.find((id, assessor))).execute(conn).await?;
    Ok(())
}

/// Moves a booking and its hosts to a state.
pub async fn finish(conn: &mut Conn, id: Uuid, state: &str) -> DbResult<()> {
    let state = state.to_owned();
    Finish { state_a: state.clone(), id_a: id, state_b: state, id_b: id }.execute(conn).await?;
    Ok(())
}

/// Ends holds of these assessors that have run out.
pub async fn expire_holds(conn: &mut Conn, ids: &[Uuid], now: DateTime<Utc>) -> DbResult<usize> {
    Ok(ExpireHolds { ids: ids.to_vec(), now }.execute(conn).await?)
}

/// Sessions of assessors that start within a range and may block or count, but for one booking.
pub async fn taken(
    conn: &mut Conn,
    ids: &[Uuid],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    but: Option<Uuid>,
) -> DbResult<Vec<TakenRow>> {
    Ok(Taken { ids: ids.to_vec(), from, to, but: but.unwrap_or_default() }.load(conn).await?)
}

/// When assessors were given sessions since an instant, and the last time before.
pub async fn assigned(
    conn: &mut Conn,
    ids: &[Uuid],
    since: DateTime<Utc>,
) -> DbResult<Vec<(Uuid, DateTime<Utc>, String)>> {
    Ok(Assigned { ids: ids.to_vec(), since_a: since, since_b: since }.load(conn).await?)
}

/// When a person is in a session within a range, but for one booking.
pub async fn busy(
    conn: &mut Conn,
    person: AccountId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    but: Option<Uuid>,
) -> DbResult<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    let id = person.uuid();
    let query = Busy {
        candidate: id,
        to_a: to,
        from_a: from,
        but: but.unwrap_or_default(),
        assessor: id,
        to_b: to,
        from_b: from,
    };
    Ok(query.load(conn).await?)
}

/// The sessions that an assessor has before them, soonest first: assessment, start, end, role.
pub async fn ahead(
    conn: &mut Conn,
    assessor: AccountId,
    (from, to): (DateTime<Utc>, Option<DateTime<Utc>>),
) -> DbResult<Vec<(Uuid, DateTime<Utc>, DateTime<Utc>, String)>> {
    let mut query = booking_hosts::table
        .inner_join(bookings::table)
        .filter(booking_hosts::assessor_id.eq(assessor.uuid()))
        .filter(booking_hosts::state.eq("confirmed"))
        .filter(booking_hosts::ends_at.gt(from))
        .into_boxed();
    if let Some(to) = to {
        query = query.filter(booking_hosts::starts_at.lt(to));
    }
    let columns =
        (bookings::assessment_id, booking_hosts::starts_at, booking_hosts::ends_at, booking_hosts::role);
    Ok(query.order(booking_hosts::starts_at).select(columns).load(conn).await?)
}

/// The live holds that an assessor is seated in.
pub async fn holds_of(conn: &mut Conn, assessor: AccountId) -> DbResult<Vec<Uuid>> {
    let query = booking_hosts::table
        .filter(booking_hosts::assessor_id.eq(assessor.uuid()))
        .filter(booking_hosts::state.eq("held"));
    Ok(query.order(booking_hosts::booking_id).select(booking_hosts::booking_id).load(conn).await?)
}

/// How many sessions each of these assessors has before them.
pub async fn counts_ahead(conn: &mut Conn, ids: &[Uuid], now: DateTime<Utc>) -> DbResult<Vec<(Uuid, i64)>> {
    let query = booking_hosts::table
        .filter(booking_hosts::assessor_id.eq_any(ids.to_vec()))
        .filter(booking_hosts::state.eq("confirmed"))
        .filter(booking_hosts::starts_at.gt(now))
        .group_by(booking_hosts::assessor_id);
    Ok(query.select((booking_hosts::assessor_id, diesel::dsl::count_star())).load(conn).await?)
}
