//! What is kept once a person.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::db::schema::portfolios;
use assay_platform::db::{Conn, DbError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::model::gaming::Flag;

/// Signs of gaming of the person.
pub async fn flags(conn: &mut Conn, account: AccountId) -> Result<Vec<Flag>> {
    let stored: Option<Value> = portfolios::table
        .find(account.uuid())
        .select(portfolios::flags)
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    stored.map_or(Ok(Vec::new()), |flags| serde_json::from_value(flags).map_err(Error::internal))
}
