//! What people tell of themselves, apart from everything else: read by its owner, and by groups.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::demographics;
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::impact::GroupCounts;

/// A row of `demographics`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = demographics, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct DemographicsRow {
    /// Whose.
    pub account_id: Uuid,
    /// Gender.
    pub gender: Option<String>,
    /// Age.
    pub age: Option<String>,
    /// Disability.
    pub disability: Option<String>,
    /// The text that was agreed to.
    pub consent_version: String,
    /// When.
    pub consented_at: DateTime<Utc>,
    /// Its row version.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What somebody tells of themselves.
pub async fn find(conn: &mut Conn, account: AccountId) -> DbResult<Option<DemographicsRow>> {
    let query = demographics::table.find(account.uuid()).select(DemographicsRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Keeps it.
pub async fn upsert(conn: &mut Conn, row: &DemographicsRow) -> DbResult<()> {
    diesel::insert_into(demographics::table)
        .values(row)
        .on_conflict(demographics::account_id)
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets it.
pub async fn delete(conn: &mut Conn, account: AccountId) -> DbResult<()> {
    diesel::delete(demographics::table.find(account.uuid())).execute(conn).await?;
    Ok(())
}

statement! {
    struct Groups() -> (sql_types::Text, sql_types::Text, sql_types::BigInt, sql_types::BigInt);
    "WITH decided AS (
        SELECT DISTINCT ON (a.candidate_id) a.candidate_id, o.outcome = 'approved' OR o.raised_at IS NOT NULL AS approved
        FROM assessment_outcomes o JOIN assessments a ON a.id = o.assessment_id
        WHERE o.published_at IS NOT NULL AND o.superseded_at IS NULL
        ORDER BY a.candidate_id, o.published_at DESC)
     SELECT t.attribute, t.grp, count(*), count(*) FILTER (WHERE d.approved)
     FROM demographics g
     JOIN decided d ON d.candidate_id = g.account_id
     CROSS JOIN LATERAL (VALUES ('gender', g.gender), ('age', g.age), ('disability', g.disability)) t (attribute, grp)
     WHERE t.grp IS NOT NULL
     GROUP BY 1, 2 ORDER BY 1, 2"
}

/// People by attribute and group: about how many was decided (the last decision of each counts), how many were approved.
pub async fn decided_by_group(conn: &mut Conn) -> DbResult<Vec<(String, GroupCounts)>> {
    let rows: Vec<(String, String, i64, i64)> = Groups {}.load(conn).await?;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let groups = rows.into_iter().map(|(attribute, group, decided, approved)| {
        (attribute, GroupCounts { group, decided: number(decided), approved: number(approved) })
    });
    Ok(groups.collect())
}
