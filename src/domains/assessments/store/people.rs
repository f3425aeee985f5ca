//! What this domain reads of people and applications; other domains own the tables.

use assay_kernel::Permission;
use assay_kernel::ids::{AccountId, ApplicationId};
use assay_platform::db::schema::{accounts, applications, staff_permissions};
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// State and tracks of a person's application; held as it is until the transaction ends.
pub async fn application(
    conn: &mut Conn,
    id: ApplicationId,
    of: AccountId,
) -> DbResult<Option<(String, Vec<String>)>> {
    let query = applications::table.find(id.uuid()).filter(applications::account_id.eq(of.uuid()));
    let query = query.for_share().select((applications::state, applications::tracks));
    Ok(query.first(conn).await.optional()?)
}

/// Id and tracks of the person's application that is ready for an assessment.
pub async fn ready_application(conn: &mut Conn, of: AccountId) -> DbResult<Option<(Uuid, Vec<String>)>> {
    let query = applications::table
        .filter(applications::account_id.eq(of.uuid()))
        .filter(applications::state.eq("assessment_ready"));
    Ok(query.select((applications::id, applications::tracks)).first(conn).await.optional()?)
}

/// The accounts of everybody with a staff permission.
pub async fn staff(conn: &mut Conn, permission: Permission) -> DbResult<Vec<AccountId>> {
    let query = staff_permissions::table
        .filter(staff_permissions::permission.eq(permission.as_str()))
        .order(staff_permissions::account_id);
    let ids: Vec<Uuid> = query.select(staff_permissions::account_id).load(conn).await?;
    Ok(ids.into_iter().map(AccountId::from_uuid).collect())
}

/// Logins and names of accounts.
pub async fn names(conn: &mut Conn, ids: &[Uuid]) -> DbResult<Vec<(Uuid, String, Option<String>)>> {
    let query = accounts::table.filter(accounts::id.eq_any(ids.to_vec()));
    Ok(query.select((accounts::id, accounts::login, accounts::display_name)).load(conn).await?)
}
