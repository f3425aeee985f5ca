//! Developers' accounts at the provider.

use assay_platform::db::schema::payees;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A payee as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payees, check_for_backend(diesel::pg::Pg), treat_none_as_null = true, primary_key(account_id))]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct PayeeRow {
    pub account_id: Uuid,
    pub country: String,
    pub state: String,
    pub stripe_account: Option<String>,
    pub requirements: Vec<String>,
    pub disabled_reason: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub tax_hold: Option<String>,
}

rows!(payees, PayeeRow, account_id);

/// The payee whose account at the provider that is.
pub async fn of_account(conn: &mut Conn, account: &str) -> DbResult<Option<Uuid>> {
    let found = payees::table.filter(payees::stripe_account.eq(account)).select(payees::account_id);
    Ok(found.first(conn).await.optional()?)
}
