//! What became of invitations and contracts: what the ranking learns from.

use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::facts::Wanted;

/// The end of a contract.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Ended {
    pub developer: Uuid,
    pub skills: Vec<Wanted>,
    pub time_zone: Option<String>,
    pub success: bool,
    pub at: DateTime<Utc>,
}

/// Contracts that came to an end which says something: completed with nothing refunded, or not. An end that both agreed
/// on says nothing.
macro_rules! ended {
    ($whose:literal) => {
        concat!(
            "SELECT c.developer_id, p.skills, p.time_zone,
                c.state = 'completed' AND NOT EXISTS (
                    SELECT 1 FROM milestones m WHERE m.contract_id = c.id AND m.state IN ('refunded', 'resolved')),
                c.updated_at
             FROM contracts c JOIN projects p ON p.id = c.project_id
             WHERE c.state IN ('completed', 'terminated_for_cause')",
            $whose,
            " ORDER BY c.updated_at, c.id"
        )
    };
}

assay_platform::statement! {
    /// Everybody's.
    struct EndedAll() -> (SqlUuid, Jsonb, Nullable<Text>, Bool, Timestamptz);
    ended!("")
}

assay_platform::statement! {
    /// Those of some developers.
    struct EndedOf(ids: Vec<Uuid> as Array<SqlUuid>) -> (SqlUuid, Jsonb, Nullable<Text>, Bool, Timestamptz);
    ended!(" AND c.developer_id = ANY({})")
}

/// Ended contracts of these developers, or of all; the oldest first.
pub async fn ended(conn: &mut Conn, of: Option<Vec<Uuid>>) -> DbResult<Vec<Ended>> {
    type Row = (Uuid, Json<Vec<Wanted>>, Option<String>, bool, DateTime<Utc>);
    let rows: Vec<Row> = match of {
        Some(ids) if ids.is_empty() => Vec::new(),
        Some(ids) => EndedOf { ids }.load(conn).await?,
        None => EndedAll {}.load(conn).await?,
    };
    let ended = |(developer, skills, time_zone, success, at): Row| Ended {
        developer,
        skills: skills.0,
        time_zone,
        success,
        at,
    };
    Ok(rows.into_iter().map(ended).collect())
}

/// An answered invitation.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Answered {
    pub developer: Uuid,
    pub skills: Vec<Wanted>,
    pub rate_usd_minor: i64,
    pub accepted: bool,
}

assay_platform::statement! {
    /// Invitations that were answered, the oldest first.
    struct AnsweredAll(limit: i64 as BigInt) -> (SqlUuid, Jsonb, BigInt, Bool);
    "SELECT i.developer_id, p.skills, coalesce(p.budget_usd_minor, 0) / greatest(p.effort_hours, 1),
        i.state = 'accepted'
     FROM invitations i JOIN projects p ON p.id = i.project_id
     WHERE i.state IN ('accepted', 'declined') ORDER BY i.updated_at, i.id LIMIT {}"
}

/// Answered invitations, the oldest first.
pub async fn answered(conn: &mut Conn, limit: i64) -> DbResult<Vec<Answered>> {
    type Row = (Uuid, Json<Vec<Wanted>>, i64, bool);
    let rows: Vec<Row> = AnsweredAll { limit }.load(conn).await?;
    let answered = |(developer, skills, rate_usd_minor, accepted): Row| Answered {
        developer,
        skills: skills.0,
        rate_usd_minor,
        accepted,
    };
    Ok(rows.into_iter().map(answered).collect())
}
