//! Requests to the provider.

use assay_platform::db::schema::provider_commands;
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Int4, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A request as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = provider_commands, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct CommandRow {
    pub id: Uuid,
    pub kind: String,
    pub subject: Uuid,
    pub path: String,
    pub body: String,
    pub account: Option<String>,
    pub state: String,
    pub attempts: i32,
    pub first_sent_at: Option<DateTime<Utc>>,
    pub next_at: DateTime<Utc>,
    pub lease_until: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub object: Option<String>,
    pub created_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
}

rows!(provider_commands, CommandRow, id);

statement! {
    /// Takes a request that is due, for a lease; a request that another worker has is passed over.
    struct Claim(
        now: DateTime<Utc> as Timestamptz, lease: DateTime<Utc> as Timestamptz, id: Uuid as SqlUuid,
        due: DateTime<Utc> as Timestamptz, free: DateTime<Utc> as Timestamptz
    ) -> (Text, Int4, Timestamptz);
    "UPDATE provider_commands SET state = CASE state WHEN 'new' THEN 'sent' ELSE state END, attempts = attempts + 1,
        first_sent_at = coalesce(first_sent_at, {}), lease_until = {}
     WHERE id = (SELECT id FROM provider_commands WHERE id = {} AND state IN ('new', 'sent', 'unknown')
        AND next_at <= {} AND (lease_until IS NULL OR lease_until <= {}) FOR UPDATE SKIP LOCKED)
     RETURNING state, attempts, first_sent_at"
}

statement! {
    /// Requests that should have been sent or settled by now.
    struct Overdue(now: DateTime<Utc> as Timestamptz) -> (SqlUuid);
    "SELECT id FROM provider_commands WHERE state IN ('new', 'sent', 'unknown') AND next_at <= {}
     ORDER BY next_at LIMIT 500"
}

/// Requests that were refused or do not end, newest first.
pub async fn troubled(conn: &mut Conn, before: Option<Uuid>, limit: i64) -> DbResult<Vec<CommandRow>> {
    let mut query = provider_commands::table.filter(provider_commands::state.ne("confirmed")).into_boxed();
    if let Some(before) = before {
        query = query.filter(provider_commands::id.lt(before));
    }
    let query = query.order(provider_commands::id.desc()).limit(limit).select(CommandRow::as_select());
    Ok(query.load(conn).await?)
}

/// Claims a request that is due and free: its state, tries and first sending, as claimed.
pub async fn claim(
    conn: &mut Conn,
    id: Uuid,
    now: DateTime<Utc>,
    lease: DateTime<Utc>,
) -> DbResult<Option<CommandRow>> {
    let claim = Claim { now, lease, id, due: now, free: now };
    let claimed: Option<(String, i32, DateTime<Utc>)> = claim.get_result(conn).await.optional()?;
    match claimed {
        Some(_) => find(conn, id).await,
        None => Ok(None),
    }
}

/// Requests that should have been looked at by now.
pub async fn overdue(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = Overdue { now }.load(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
