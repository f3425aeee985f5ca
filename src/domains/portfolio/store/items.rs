//! Items.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::portfolio_items;
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// How many items of the person are not withdrawn.
pub async fn count(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    Ok(portfolio_items::table
        .filter(portfolio_items::account_id.eq(account.uuid()))
        .filter(portfolio_items::withdrawn_at.is_null())
        .count()
        .get_result(conn)
        .await?)
}
