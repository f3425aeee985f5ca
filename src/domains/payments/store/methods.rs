//! What organisations pay with, and as whom the provider knows them.

use assay_platform::db::schema::{payment_customers, payment_methods};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A method as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payment_methods, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct MethodRow {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub added_by_id: Uuid,
    pub kind: String,
    pub state: String,
    pub setup_intent: Option<String>,
    pub method: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

rows!(payment_methods, MethodRow, id);

/// Methods of an organisation that were not removed, newest first.
pub async fn list(
    conn: &mut Conn,
    organisation: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<MethodRow>> {
    let mut query = payment_methods::table
        .filter(payment_methods::organisation_id.eq(organisation))
        .filter(payment_methods::state.ne("removed"))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(payment_methods::id.lt(before));
    }
    let query = query.order(payment_methods::id.desc()).limit(limit).select(MethodRow::as_select());
    Ok(query.load(conn).await?)
}

/// The method that the provider sets up under that id.
pub async fn of_setup(conn: &mut Conn, setup_intent: &str) -> DbResult<Option<Uuid>> {
    let found = payment_methods::table
        .filter(payment_methods::setup_intent.eq(setup_intent))
        .select(payment_methods::id);
    Ok(found.first(conn).await.optional()?)
}

/// Has the organisation something that it can pay with?
pub async fn any_verified(conn: &mut Conn, organisation: Uuid) -> DbResult<bool> {
    let found = payment_methods::table
        .filter(payment_methods::organisation_id.eq(organisation))
        .filter(payment_methods::state.eq("verified"));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// As whom the provider knows an organisation.
pub async fn customer(conn: &mut Conn, organisation: Uuid) -> DbResult<Option<String>> {
    let found = payment_customers::table.find(organisation).select(payment_customers::customer);
    Ok(found.first(conn).await.optional()?)
}

/// Keeps it; the first one stays.
pub async fn keep_customer(
    conn: &mut Conn,
    organisation: Uuid,
    customer: &str,
    now: DateTime<Utc>,
) -> DbResult<()> {
    diesel::insert_into(payment_customers::table)
        .values((
            payment_customers::organisation_id.eq(organisation),
            payment_customers::customer.eq(customer),
            payment_customers::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}
