//! Imports.

use assay_kernel::ids::{AccountId, PortfolioImportId};
use assay_kernel::{Error, Result};
use assay_platform::db::schema::{accounts, portfolio_imports};
use assay_platform::db::{Conn, DbError, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::model::process::{FailureCode, ImportState};
use crate::model::progress::Progress;

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    pub id: PortfolioImportId,
    pub account_id: AccountId,
    pub state: ImportState,
    pub progress: Progress,
    pub failures: i32,
    pub failure: Option<(FailureCode, String)>,
    pub resumes_at: Option<DateTime<Utc>>,
    pub policy_version: String,
    pub requested_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub progressed_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub version: i64,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = portfolio_imports, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    state: String,
    step: String,
    progress: Value,
    failures: i32,
    failure_code: Option<String>,
    failure_detail: Option<String>,
    resumes_at: Option<DateTime<Utc>>,
    policy_version: String,
    requested_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    progressed_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    version: i64,
}

impl Row {
    fn new(import: &Import) -> Result<Self> {
        let failure = import.failure.as_ref();
        Ok(Self {
            id: import.id.uuid(),
            account_id: import.account_id.uuid(),
            state: import.state.to_string(),
            step: import.progress.cursor.step().to_string(),
            progress: serde_json::to_value(&import.progress).map_err(Error::internal)?,
            failures: import.failures,
            failure_code: failure.map(|(code, _)| code.to_string()),
            failure_detail: failure.map(|(_, detail)| detail.clone()),
            resumes_at: import.resumes_at,
            policy_version: import.policy_version.clone(),
            requested_at: import.requested_at,
            started_at: import.started_at,
            progressed_at: import.progressed_at,
            finished_at: import.finished_at,
            version: import.version,
        })
    }

    fn import(self) -> Result<Import> {
        let failure = match (self.failure_code, self.failure_detail) {
            (Some(code), Some(detail)) => Some((code.parse()?, detail)),
            _ => None,
        };
        Ok(Import {
            id: PortfolioImportId::from_uuid(self.id),
            account_id: AccountId::from_uuid(self.account_id),
            state: self.state.parse()?,
            progress: serde_json::from_value(self.progress).map_err(Error::internal)?,
            failures: self.failures,
            failure,
            resumes_at: self.resumes_at,
            policy_version: self.policy_version,
            requested_at: self.requested_at,
            started_at: self.started_at,
            progressed_at: self.progressed_at,
            finished_at: self.finished_at,
            version: self.version,
        })
    }
}

const LIVE: [&str; 2] = [ImportState::Queued.as_str(), ImportState::Running.as_str()];

/// Adds an import unless another of the person is live. Tells whether it was added.
pub async fn insert(conn: &mut Conn, import: &Import) -> Result<bool> {
    let added = diesel::insert_into(portfolio_imports::table)
        .values(Row::new(import)?)
        .on_conflict_do_nothing()
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(added == 1)
}

/// Writes an import if its row still has the version `seen`. Tells whether it did.
pub async fn update(conn: &mut Conn, import: &Import, seen: i64) -> Result<bool> {
    let written = diesel::update(
        portfolio_imports::table.find(import.id.uuid()).filter(portfolio_imports::version.eq(seen)),
    )
    .set(Row::new(import)?)
    .execute(conn)
    .await
    .map_err(DbError::from)?;
    Ok(written == 1)
}

/// An import.
pub async fn find(conn: &mut Conn, id: PortfolioImportId) -> Result<Option<Import>> {
    let row: Option<Row> = portfolio_imports::table
        .find(id.uuid())
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::import).transpose()
}

/// The version of an import, which is locked.
pub async fn lock_version(conn: &mut Conn, id: PortfolioImportId) -> DbResult<Option<i64>> {
    Ok(portfolio_imports::table
        .find(id.uuid())
        .select(portfolio_imports::version)
        .for_update()
        .first(conn)
        .await
        .optional()?)
}

/// An import of the person.
pub async fn find_own(conn: &mut Conn, account: AccountId, id: PortfolioImportId) -> Result<Option<Import>> {
    let row: Option<Row> = portfolio_imports::table
        .find(id.uuid())
        .filter(portfolio_imports::account_id.eq(account.uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::import).transpose()
}

/// The person's live import, locked.
pub async fn lock_live(conn: &mut Conn, account: AccountId) -> Result<Option<Import>> {
    let row: Option<Row> = portfolio_imports::table
        .filter(portfolio_imports::account_id.eq(account.uuid()))
        .filter(portfolio_imports::state.eq_any(LIVE))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::import).transpose()
}

/// When the person's last completed import ended.
pub async fn last_completed(conn: &mut Conn, account: AccountId) -> DbResult<Option<DateTime<Utc>>> {
    let last: Option<Option<DateTime<Utc>>> = portfolio_imports::table
        .filter(portfolio_imports::account_id.eq(account.uuid()))
        .filter(portfolio_imports::state.eq(ImportState::Completed.as_str()))
        .order(portfolio_imports::id.desc())
        .select(portfolio_imports::finished_at)
        .first(conn)
        .await
        .optional()?;
    Ok(last.flatten())
}

/// The person's imports, newest first.
pub async fn list(
    conn: &mut Conn,
    account: AccountId,
    before: Option<PortfolioImportId>,
    limit: i64,
) -> Result<Vec<Import>> {
    let mut query = portfolio_imports::table
        .filter(portfolio_imports::account_id.eq(account.uuid()))
        .select(Row::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(portfolio_imports::id.lt(before.uuid()));
    }
    let rows: Vec<Row> =
        query.order(portfolio_imports::id.desc()).limit(limit).load(conn).await.map_err(DbError::from)?;
    rows.into_iter().map(Row::import).collect()
}

/// The GitHub number and status of an account.
pub async fn owner(conn: &mut Conn, account: AccountId) -> DbResult<(i64, String)> {
    Ok(accounts::table
        .find(account.uuid())
        .select((accounts::github_id, accounts::status))
        .first(conn)
        .await?)
}
