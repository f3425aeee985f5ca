//! What this domain reads of people; the identity domain owns the tables.

use assay_kernel::Permission;
use assay_kernel::ids::AccountId;
use assay_platform::db::schema::{accounts, github_tokens, staff_permissions};
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// Status, roles and address of an account, and whether GitHub is linked to it.
pub async fn applicant(conn: &mut Conn, account: AccountId) -> DbResult<Option<(String, Vec<String>, bool)>> {
    let linked =
        diesel::dsl::exists(github_tokens::table.filter(github_tokens::account_id.eq(account.uuid())));
    Ok(accounts::table
        .find(account.uuid())
        .select((accounts::status, accounts::roles, linked))
        .first(conn)
        .await
        .optional()?)
}

/// Holds the account until the transaction ends, so that two acts of one person stand in a row.
pub async fn lock(conn: &mut Conn, account: AccountId) -> DbResult<Option<Uuid>> {
    Ok(accounts::table
        .find(account.uuid())
        .for_no_key_update()
        .select(accounts::id)
        .first(conn)
        .await
        .optional()?)
}

/// The accounts of everybody who decides applications and appeals.
pub async fn reviewers(conn: &mut Conn) -> DbResult<Vec<AccountId>> {
    let ids: Vec<Uuid> = staff_permissions::table
        .filter(staff_permissions::permission.eq(Permission::Reviewer.as_str()))
        .select(staff_permissions::account_id)
        .order(staff_permissions::account_id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(AccountId::from_uuid).collect())
}
