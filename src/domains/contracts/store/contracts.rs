//! Contracts and their editions.

use assay_kernel::ids::{AccountId, ContractId};
use assay_platform::db::schema::{contract_editions, contracts, organisation_members, rubrics};
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::{Proposal, Signature, Terms};

/// A contract as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = contracts, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct ContractRow {
    pub id: Uuid,
    pub project_id: Uuid,
    pub bid_id: Uuid,
    pub organisation_id: Uuid,
    pub developer_id: Uuid,
    pub drawn_up_by_id: Uuid,
    pub state: String,
    pub terms: Json<Terms>,
    pub content_hash: String,
    pub signatures: Json<Vec<Signature>>,
    pub proposal: Option<Json<Proposal>>,
    pub reason: Option<String>,
    pub lapses_at: Option<DateTime<Utc>>,
    pub paused_at: Option<DateTime<Utc>>,
    pub notice_until: Option<DateTime<Utc>>,
    pub check_secret: Option<Vec<u8>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Stores a new contract.
pub async fn insert(conn: &mut Conn, row: &ContractRow) -> DbResult<()> {
    diesel::insert_into(contracts::table).values(row).execute(conn).await?;
    Ok(())
}

/// A contract, without a lock.
pub async fn find(conn: &mut Conn, id: ContractId) -> DbResult<Option<ContractRow>> {
    Ok(contracts::table.find(id.uuid()).select(ContractRow::as_select()).first(conn).await.optional()?)
}

/// A contract, locked until the end of the transaction. Every act on it or its milestones takes this lock first.
pub async fn lock(conn: &mut Conn, id: ContractId) -> DbResult<Option<ContractRow>> {
    Ok(contracts::table
        .find(id.uuid())
        .select(ContractRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Writes everything that may change.
pub async fn update(conn: &mut Conn, row: &ContractRow) -> DbResult<()> {
    diesel::update(contracts::table.find(row.id))
        .set((
            contracts::state.eq(&row.state),
            contracts::terms.eq(&row.terms),
            contracts::signatures.eq(&row.signatures),
            contracts::proposal.eq(&row.proposal),
            contracts::reason.eq(&row.reason),
            contracts::lapses_at.eq(row.lapses_at),
            contracts::paused_at.eq(row.paused_at),
            contracts::notice_until.eq(row.notice_until),
            contracts::check_secret.eq(&row.check_secret),
            contracts::version.eq(row.version),
            contracts::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Contracts of a person: as the developer, or by their organisation; newest first.
pub async fn of_person(
    conn: &mut Conn,
    account: AccountId,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<ContractRow>> {
    let clients = organisation_members::table
        .filter(organisation_members::account_id.eq(account.uuid()))
        .select(organisation_members::organisation_id);
    let mine = contracts::developer_id.eq(account.uuid()).or(contracts::organisation_id.eq_any(clients));
    let mut query = contracts::table.filter(mine).into_boxed();
    if let Some(state) = state {
        query = query.filter(contracts::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(contracts::id.lt(before));
    }
    Ok(query.order(contracts::id.desc()).limit(limit).select(ContractRow::as_select()).load(conn).await?)
}

/// Keeps the exact text of an edition.
pub async fn insert_edition(
    conn: &mut Conn,
    contract: Uuid,
    edition: i32,
    canonical: &str,
    content_hash: &str,
    now: DateTime<Utc>,
) -> DbResult<()> {
    diesel::insert_into(contract_editions::table)
        .values((
            contract_editions::contract_id.eq(contract),
            contract_editions::edition.eq(edition),
            contract_editions::canonical.eq(canonical),
            contract_editions::content_hash.eq(content_hash),
            contract_editions::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The text and hash of an edition; of the newest when none is named.
pub async fn edition(
    conn: &mut Conn,
    contract: ContractId,
    edition: Option<i32>,
) -> DbResult<Option<(String, String)>> {
    let mut query =
        contract_editions::table.filter(contract_editions::contract_id.eq(contract.uuid())).into_boxed();
    if let Some(edition) = edition {
        query = query.filter(contract_editions::edition.eq(edition));
    }
    Ok(query
        .order(contract_editions::edition.desc())
        .select((contract_editions::canonical, contract_editions::content_hash))
        .first(conn)
        .await
        .optional()?)
}

/// The rubric in force.
pub async fn rubric_version(conn: &mut Conn) -> DbResult<Option<String>> {
    Ok(rubrics::table
        .order(rubrics::effective_at.desc())
        .select(rubrics::version)
        .first(conn)
        .await
        .optional()?)
}
