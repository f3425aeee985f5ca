//! The inbox, and who looks at what.

use assay_platform::db::schema::{provider_cursors, provider_events};
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

/// An event as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = provider_events, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct EventRow {
    pub id: String,
    pub kind: String,
    pub account: Option<String>,
    pub object_kind: Option<String>,
    pub object: Option<String>,
    pub body: String,
    pub state: String,
    pub source: String,
    pub attempts: i32,
    pub next_at: DateTime<Utc>,
    pub lease_until: Option<DateTime<Utc>>,
    pub said_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
}

/// Keeps an event; false when it is there already.
pub async fn insert(conn: &mut Conn, row: &EventRow) -> DbResult<bool> {
    let kept = diesel::insert_into(provider_events::table).values(row).on_conflict_do_nothing();
    Ok(kept.execute(conn).await? == 1)
}

/// An event.
pub async fn find(conn: &mut Conn, id: &str) -> DbResult<Option<EventRow>> {
    Ok(provider_events::table.find(id).select(EventRow::as_select()).first(conn).await.optional()?)
}

/// Writes everything that may change.
pub async fn update(conn: &mut Conn, row: &EventRow) -> DbResult<()> {
    diesel::update(provider_events::table.find(&row.id)).set(row).execute(conn).await?;
    Ok(())
}

statement! {
    /// Takes an event that is due, for a lease.
    struct Claim(
        lease: DateTime<Utc> as Timestamptz, id: String as Text, due: DateTime<Utc> as Timestamptz,
        free: DateTime<Utc> as Timestamptz
    ) -> (Text);
    "UPDATE provider_events SET attempts = attempts + 1, lease_until = {}
     WHERE id = (SELECT id FROM provider_events WHERE id = {} AND state = 'new' AND next_at <= {}
        AND (lease_until IS NULL OR lease_until <= {}) FOR UPDATE SKIP LOCKED)
     RETURNING id"
}

statement! {
    /// Events that should have been applied by now.
    struct Overdue(now: DateTime<Utc> as Timestamptz) -> (Text);
    "SELECT id FROM provider_events WHERE state = 'new' AND next_at <= {} ORDER BY next_at LIMIT 500"
}

statement! {
    /// Takes an object, unless another worker looks at it.
    struct TakeObject(object: String as Text, lease: DateTime<Utc> as Timestamptz, now: DateTime<Utc> as Timestamptz)
        -> (Text);
    "INSERT INTO provider_object_leases AS l (object, lease_until) VALUES ({}, {})
     ON CONFLICT (object) DO UPDATE SET lease_until = excluded.lease_until WHERE l.lease_until <= {} RETURNING object"
}

statement! {
    /// Lets an object go.
    struct LetObjectGo(object: String as Text) -> (Text);
    "DELETE FROM provider_object_leases WHERE object = {} RETURNING object"
}

statement! {
    /// Deletes what was applied long ago.
    struct DeleteOld(before: DateTime<Utc> as Timestamptz) -> (BigInt);
    "WITH gone AS (DELETE FROM provider_events WHERE state IN ('done', 'ignored') AND received_at < {} RETURNING id)
     SELECT count(*) FROM gone"
}

/// Up to when something was done.
pub async fn cursor(conn: &mut Conn, name: &str) -> DbResult<Option<DateTime<Utc>>> {
    let found = provider_cursors::table.find(name).select(provider_cursors::upto);
    Ok(found.first(conn).await.optional()?)
}

/// Notes up to when it was done.
pub async fn set_cursor(conn: &mut Conn, name: &str, upto: DateTime<Utc>) -> DbResult<()> {
    diesel::insert_into(provider_cursors::table)
        .values((provider_cursors::name.eq(name), provider_cursors::upto.eq(upto)))
        .on_conflict(provider_cursors::name)
        .do_update()
        .set(provider_cursors::upto.eq(upto))
        .execute(conn)
        .await?;
    Ok(())
}

/// Claims an event that is due and free.
pub async fn claim(
    conn: &mut Conn,
    id: &str,
    now: DateTime<Utc>,
    lease: DateTime<Utc>,
) -> DbResult<Option<EventRow>> {
    let claim = Claim { lease, id: id.to_owned(), due: now, free: now };
    let claimed: Option<(String,)> = claim.get_result(conn).await.optional()?;
    match claimed {
        Some(_) => find(conn, id).await,
        None => Ok(None),
    }
}

/// Events that should have been looked at by now.
pub async fn overdue(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<Vec<String>> {
    let rows: Vec<(String,)> = Overdue { now }.load(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Takes an object for a lease; false when another worker has it.
pub async fn take_object(
    conn: &mut Conn,
    object: &str,
    now: DateTime<Utc>,
    lease: DateTime<Utc>,
) -> DbResult<bool> {
    let take = TakeObject { object: object.to_owned(), lease, now };
    let taken: Option<(String,)> = take.get_result(conn).await.optional()?;
    Ok(taken.is_some())
}

/// Lets an object go.
pub async fn let_object_go(conn: &mut Conn, object: &str) -> DbResult<()> {
    let _gone: Option<(String,)> =
        LetObjectGo { object: object.to_owned() }.get_result(conn).await.optional()?;
    Ok(())
}

/// Deletes what was applied before then. Returns how much.
pub async fn delete_old(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<i64> {
    let (gone,): (i64,) = DeleteOld { before }.get_result(conn).await?;
    Ok(gone)
}
