//! The table of rubrics.

use assay_platform::db::schema::rubrics;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

/// Stores a version, unless it is stored.
pub async fn insert(conn: &mut Conn, version: &str, document: &Value, now: DateTime<Utc>) -> DbResult<()> {
    diesel::insert_into(rubrics::table)
        .values((rubrics::version.eq(version), rubrics::document.eq(document), rubrics::effective_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// The document of a version.
pub async fn find(conn: &mut Conn, version: &str) -> DbResult<Option<Value>> {
    Ok(rubrics::table.find(version).select(rubrics::document).first(conn).await.optional()?)
}
