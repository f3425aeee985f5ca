//! Reports on validity, as published.

use assay_platform::db::schema::validity_reports;
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::validity::ValidityReport;

/// Keeps a report.
pub async fn insert(conn: &mut Conn, id: Uuid, report: &ValidityReport, now: DateTime<Utc>) -> DbResult<()> {
    diesel::insert_into(validity_reports::table)
        .values((
            validity_reports::id.eq(id),
            validity_reports::report.eq(Json(report.clone())),
            validity_reports::made_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The last report.
pub async fn latest(conn: &mut Conn) -> DbResult<Option<(ValidityReport, DateTime<Utc>)>> {
    let found: Option<(Json<ValidityReport>, DateTime<Utc>)> = validity_reports::table
        .order(validity_reports::id.desc())
        .select((validity_reports::report, validity_reports::made_at))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(report, at)| (report.0, at)))
}
