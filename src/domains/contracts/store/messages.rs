//! Messages on contracts.

use assay_platform::db::schema::contract_messages as messages;
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A message as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct MessageRow {
    pub id: Uuid,
    pub contract_id: Uuid,
    pub author_id: Uuid,
    pub side: String,
    pub text: String,
    pub links: Json<Vec<String>>,
    pub created_at: DateTime<Utc>,
}

/// Stores a message.
pub async fn insert(conn: &mut Conn, row: &MessageRow) -> DbResult<()> {
    diesel::insert_into(messages::table).values(row).execute(conn).await?;
    Ok(())
}

/// The messages of a contract, newest first.
pub async fn of_contract(
    conn: &mut Conn,
    contract: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<MessageRow>> {
    let mut query = messages::table.filter(messages::contract_id.eq(contract)).into_boxed();
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    Ok(query.order(messages::id.desc()).limit(limit).select(MessageRow::as_select()).load(conn).await?)
}
