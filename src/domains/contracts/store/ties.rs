//! Who is under contract with whom, for those who must not judge one another.

use assay_assessments::Conflict;
use assay_kernel::ids::AccountId;
use assay_platform::db::{Conn, DbResult};
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

const OPEN_CONTRACTS: &str = "
    WITH open AS (
        SELECT developer_id, organisation_id, organisations.name
        FROM contracts JOIN organisations ON organisations.id = organisation_id
        WHERE state IN ('offer_sent', 'awaiting_funding', 'active', 'paused', 'completing')
    )
    SELECT account_id AS assessor_id, 'contract' AS kind, name AS what
    FROM open JOIN organisation_members USING (organisation_id)
    WHERE developer_id = $1 AND account_id = ANY($2)
    UNION
    SELECT developer_id, 'contract', name
    FROM open JOIN organisation_members USING (organisation_id)
    WHERE account_id = $1 AND developer_id = ANY($2)
    ORDER BY 1, 3";

/// The open contracts between a candidate and any of `assessors`: one the developer, the other of the client.
pub async fn open_contracts(
    conn: &mut Conn,
    candidate: AccountId,
    assessors: &[Uuid],
) -> DbResult<Vec<Conflict>> {
    let query = diesel::sql_query(OPEN_CONTRACTS)
        .bind::<sql_types::Uuid, _>(candidate.uuid())
        .bind::<sql_types::Array<sql_types::Uuid>, _>(assessors);
    Ok(query.load(conn).await?)
}
