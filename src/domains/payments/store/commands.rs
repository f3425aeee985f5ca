//! Requests to the provider.

use assay_platform::db::schema::provider_commands;
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
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
    pub struct Claim(
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
    pub struct Overdue(now: DateTime<Utc> as Timestamptz) -> (SqlUuid);
    "SELECT id FROM provider_commands WHERE state IN ('new', 'sent', 'unknown') AND next_at <= {}
     ORDER BY next_at LIMIT 500"
}

statement! {
    /// Requests that never ended well, or do not end, newest first.
    pub struct Troubled(before: Option<Uuid> as Nullable<SqlUuid>, again: Option<Uuid> as Nullable<SqlUuid>, limit: i64 as diesel::sql_types::BigInt)
        -> (SqlUuid, Text, SqlUuid, Text, Int4, Nullable<Text>, Nullable<Text>, Timestamptz, Nullable<Timestamptz>);
    "SELECT id, kind, subject, state, attempts, outcome, object, created_at, settled_at FROM provider_commands
     WHERE state <> 'confirmed' AND ({} IS NULL OR id < {}) ORDER BY id DESC LIMIT {}"
}
