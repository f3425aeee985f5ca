//! The table of decisions.

use assay_kernel::ids::{AccountId, ApplicationId, DecisionId};
use assay_platform::db::schema::decisions;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A decision as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct DecisionRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub application_id: Uuid,
    pub approval_id: Option<Uuid>,
    pub kind: String,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
    pub notes: Value,
    pub evidence: Value,
    pub decided_by_id: Uuid,
    pub decided_at: DateTime<Utc>,
    pub appeal_until: Option<DateTime<Utc>>,
    pub overturned_at: Option<DateTime<Utc>>,
    pub by_assessment_id: Option<Uuid>,
}

/// Stores a decision.
pub async fn insert(conn: &mut Conn, row: &DecisionRow) -> DbResult<()> {
    diesel::insert_into(decisions::table).values(row).execute(conn).await?;
    Ok(())
}

/// A decision: anybody's, or with `about` only one about that person.
pub async fn find(
    conn: &mut Conn,
    id: DecisionId,
    about: Option<AccountId>,
) -> DbResult<Option<DecisionRow>> {
    let mut query = decisions::table.find(id.uuid()).select(DecisionRow::as_select()).into_boxed();
    if let Some(about) = about {
        query = query.filter(decisions::account_id.eq(about.uuid()));
    }
    Ok(query.first(conn).await.optional()?)
}

/// The decisions on an application, newest first.
pub async fn of_application(conn: &mut Conn, application: ApplicationId) -> DbResult<Vec<DecisionRow>> {
    Ok(decisions::table
        .filter(decisions::application_id.eq(application.uuid()))
        .order((decisions::decided_at.desc(), decisions::id.desc()))
        .select(DecisionRow::as_select())
        .load(conn)
        .await?)
}

/// Adverse decisions about a person that stand, oldest first.
pub async fn standing(conn: &mut Conn, account: AccountId) -> DbResult<Vec<DecisionRow>> {
    Ok(decisions::table
        .filter(decisions::account_id.eq(account.uuid()))
        .filter(decisions::appeal_until.is_not_null())
        .filter(decisions::overturned_at.is_null())
        .order((decisions::decided_at, decisions::id))
        .select(DecisionRow::as_select())
        .load(conn)
        .await?)
}

/// The decision against a person that an assessment led to, while it stands.
pub async fn standing_by_assessment(conn: &mut Conn, assessment: Uuid) -> DbResult<Option<DecisionRow>> {
    Ok(decisions::table
        .filter(decisions::by_assessment_id.eq(assessment))
        .filter(decisions::kind.eq("not_ready"))
        .filter(decisions::overturned_at.is_null())
        .select(DecisionRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Notes that a decision has fallen.
pub async fn overturn(conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> DbResult<()> {
    diesel::update(decisions::table.find(id)).set(decisions::overturned_at.eq(at)).execute(conn).await?;
    Ok(())
}
