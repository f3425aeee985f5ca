//! Calendar feeds, and what is shown in them.

use assay_kernel::ids::{AccountId, CalendarFeedId};
use assay_platform::db::schema::{accounts, assessments, booking_hosts, bookings, calendar_feeds};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::assessments::AssessmentRow;

/// A feed as stored, without its hash.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = calendar_feeds, check_for_backend(diesel::pg::Pg))]
pub struct FeedRow {
    /// Its id.
    pub id: Uuid,
    /// Whose sessions it shows.
    pub account_id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last read, to the hour.
    pub last_read_at: Option<DateTime<Utc>>,
}

/// A new feed.
#[derive(Debug, Insertable)]
#[diesel(table_name = calendar_feeds, check_for_backend(diesel::pg::Pg))]
pub struct NewFeed<'a> {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// Under which it is found.
    pub token_hash: &'a [u8],
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Locks a person, so that what is counted of theirs holds.
pub async fn lock_owner(conn: &mut Conn, owner: AccountId) -> DbResult<()> {
    let query = accounts::table.find(owner.uuid()).select(accounts::id).for_no_key_update();
    query.get_result::<Uuid>(conn).await?;
    Ok(())
}

/// Adds a feed.
pub async fn insert(conn: &mut Conn, feed: &NewFeed<'_>) -> DbResult<FeedRow> {
    let query = diesel::insert_into(calendar_feeds::table).values(feed);
    Ok(query.returning(FeedRow::as_returning()).get_result(conn).await?)
}

/// A person's feeds that are not revoked, the newest first.
pub async fn live_of(conn: &mut Conn, owner: AccountId) -> DbResult<Vec<FeedRow>> {
    let query = calendar_feeds::table
        .filter(calendar_feeds::account_id.eq(owner.uuid()))
        .filter(calendar_feeds::revoked_at.is_null())
        .order(calendar_feeds::id.desc());
    Ok(query.select(FeedRow::as_select()).load(conn).await?)
}

/// Revokes a person's feed. Returns how many were live.
pub async fn revoke(
    conn: &mut Conn,
    owner: AccountId,
    id: CalendarFeedId,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    let feed = calendar_feeds::table
        .find(id.uuid())
        .filter(calendar_feeds::account_id.eq(owner.uuid()))
        .filter(calendar_feeds::revoked_at.is_null());
    Ok(diesel::update(feed).set(calendar_feeds::revoked_at.eq(now)).execute(conn).await?)
}

/// The live feed of that token, while its owner may act.
pub async fn by_token(conn: &mut Conn, token_hash: &[u8]) -> DbResult<Option<FeedRow>> {
    let query = calendar_feeds::table
        .inner_join(accounts::table)
        .filter(calendar_feeds::token_hash.eq(token_hash))
        .filter(calendar_feeds::revoked_at.is_null())
        .filter(accounts::status.eq("active"));
    Ok(query.select(FeedRow::as_select()).first(conn).await.optional()?)
}

/// Notes that a feed was read.
pub async fn touch(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> DbResult<usize> {
    let feed = calendar_feeds::table.find(id);
    Ok(diesel::update(feed).set(calendar_feeds::last_read_at.eq(now)).execute(conn).await?)
}

/// Deletes feeds that were revoked before.
pub async fn delete_revoked(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    let old = calendar_feeds::table.filter(calendar_feeds::revoked_at.lt(before));
    Ok(diesel::delete(old).execute(conn).await?)
}

/// A session in somebody's calendar.
#[derive(Debug, Queryable)]
pub struct FedSession {
    /// The assessment.
    pub row: AssessmentRow,
    /// Its booking.
    pub booking: Uuid,
    /// When the time was booked.
    pub booked_at: DateTime<Utc>,
}

/// The sessions that a person is booked for, as candidate or of the staff, and that end after `after`.
pub async fn sessions_of(
    conn: &mut Conn,
    person: AccountId,
    after: DateTime<Utc>,
) -> DbResult<Vec<FedSession>> {
    let hosted = booking_hosts::table
        .filter(booking_hosts::assessor_id.eq(person.uuid()))
        .select(booking_hosts::booking_id);
    let query = bookings::table
        .inner_join(assessments::table)
        .filter(bookings::state.eq_any(["confirmed", "completed", "no_show"]))
        .filter(bookings::ends_at.gt(after))
        .filter(bookings::candidate_id.eq(person.uuid()).or(bookings::id.eq_any(hosted)))
        .order((bookings::starts_at, bookings::id));
    Ok(query.select((AssessmentRow::as_select(), bookings::id, bookings::created_at)).load(conn).await?)
}

/// Who of the staff leads each of these bookings, and since when: (booking, name, assigned at).
pub async fn leads_of(
    conn: &mut Conn,
    of: &[Uuid],
) -> DbResult<Vec<(Uuid, String, Option<String>, DateTime<Utc>)>> {
    let query = booking_hosts::table
        .inner_join(accounts::table.on(accounts::id.eq(booking_hosts::assessor_id)))
        .filter(booking_hosts::booking_id.eq_any(of.to_vec()))
        .filter(booking_hosts::role.eq("lead"));
    let columns =
        (booking_hosts::booking_id, accounts::login, accounts::display_name, booking_hosts::assigned_at);
    Ok(query.select(columns).load(conn).await?)
}
