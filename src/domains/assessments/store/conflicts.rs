//! Ties between a candidate and those who may assess them.

use assay_kernel::ids::AccountId;
use assay_platform::db::{Conn, DbResult};
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// What may make somebody partial to a candidate, or against them.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct Conflict {
    /// The assessor.
    #[diesel(sql_type = sql_types::Uuid)]
    pub assessor_id: Uuid,
    /// What ties them: `self`, `employer`, `organisation`, `repository`; what higher domains know of is `contract`.
    #[diesel(sql_type = sql_types::Text)]
    pub kind: String,
    /// Which one, for staff.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub what: Option<String>,
}

// Employers are compared as GitHub profiles write them: without case, space around or a leading `@`.
const CONFLICTS: &str = "
    WITH pool AS (SELECT unnest($2) AS assessor_id),
    asked AS (SELECT assessor_id AS id FROM pool UNION SELECT $1),
    people AS (
        SELECT account_id, lower(ltrim(trim(profile ->> 'company'), '@')) AS employer
        FROM asked JOIN portfolios ON account_id = asked.id
        UNION ALL
        SELECT account_id, lower(ltrim(trim(employer), '@')) FROM asked JOIN assessors ON account_id = asked.id
    ),
    work AS (
        SELECT account_id, lower(repository) AS repository FROM asked JOIN portfolio_contributions ON account_id = asked.id
        WHERE kind = 'merged_pull_request'
        UNION ALL
        SELECT account_id, lower(computed ->> 'name') FROM asked JOIN portfolio_items items ON account_id = asked.id
        WHERE kind = 'repository' AND withdrawn_at IS NULL
    )
    SELECT assessor_id, 'self' AS kind, NULL AS what FROM pool WHERE assessor_id = $1
    UNION
    SELECT pool.assessor_id, 'employer', theirs.employer
    FROM pool
    JOIN people theirs ON theirs.account_id = pool.assessor_id
    JOIN people own ON own.account_id = $1 AND own.employer = theirs.employer
    WHERE own.employer <> ''
    UNION
    SELECT pool.assessor_id, 'organisation', organisations.name
    FROM pool
    JOIN organisation_members theirs ON theirs.account_id = pool.assessor_id
    JOIN organisation_members own ON own.account_id = $1 AND own.organisation_id = theirs.organisation_id
    JOIN organisations ON organisations.id = own.organisation_id
    UNION
    SELECT pool.assessor_id, 'repository', theirs.repository
    FROM pool
    JOIN work theirs ON theirs.account_id = pool.assessor_id
    JOIN work own ON own.account_id = $1 AND own.repository = theirs.repository
    ORDER BY 1, 2, 3";

/// What ties any of `assessors` to the candidate.
pub async fn of(conn: &mut Conn, candidate: AccountId, assessors: &[Uuid]) -> DbResult<Vec<Conflict>> {
    let query = diesel::sql_query(CONFLICTS)
        .bind::<sql_types::Uuid, _>(candidate.uuid())
        .bind::<sql_types::Array<sql_types::Uuid>, _>(assessors);
    Ok(query.load(conn).await?)
}
