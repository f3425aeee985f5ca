//! What the feed asks of the database besides the outbox.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_platform::db::{Conn, DbResult};
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

assay_platform::statement! {
    /// Organisations of a person.
    struct OrganisationsOf(account: Uuid as sql_types::Uuid) -> (sql_types::Uuid);
    "SELECT organisation_id FROM organisation_members WHERE account_id = {}"
}

/// The organisations to which the person belongs.
pub async fn organisations_of(conn: &mut Conn, account: AccountId) -> DbResult<Vec<OrganisationId>> {
    let rows: Vec<(Uuid,)> = OrganisationsOf { account: account.uuid() }.load(conn).await?;
    Ok(rows.into_iter().map(|(id,)| OrganisationId::from_uuid(id)).collect())
}
