//! The table of approvals.

use assay_kernel::Result;
use assay_kernel::ids::{AccountId, ApplicationId, ApprovalId};
use assay_platform::db::schema::approvals;
use assay_platform::db::{Conn, DbError, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::{Approval, ApprovalState, Revocation};

/// At most one active approval a person.
pub const ONE_ACTIVE: &str = "approvals_one_active";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = approvals, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    account_id: Uuid,
    state: String,
    granted_by_id: Uuid,
    granted_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    reason: String,
    revoked_by_id: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
    revoke_reason: Option<String>,
    policy_version: String,
    version: i64,
    application_id: Uuid,
}

impl Row {
    fn approval(self) -> Result<Approval> {
        let revocation = match (self.revoked_by_id, self.revoked_at, self.revoke_reason) {
            (Some(by), Some(at), Some(reason)) => {
                Some(Revocation { by: AccountId::from_uuid(by), at, reason })
            }
            _ => None,
        };
        Ok(Approval {
            id: ApprovalId::from_uuid(self.id),
            account_id: AccountId::from_uuid(self.account_id),
            state: self.state.parse()?,
            granted_by: AccountId::from_uuid(self.granted_by_id),
            granted_at: self.granted_at,
            expires_at: self.expires_at,
            reason: self.reason,
            revocation,
            policy_version: self.policy_version,
            version: self.version,
            application_id: ApplicationId::from_uuid(self.application_id),
        })
    }
}

impl From<&Approval> for Row {
    fn from(approval: &Approval) -> Self {
        let revocation = approval.revocation.as_ref();
        Self {
            id: approval.id.uuid(),
            account_id: approval.account_id.uuid(),
            state: approval.state.to_string(),
            granted_by_id: approval.granted_by.uuid(),
            granted_at: approval.granted_at,
            expires_at: approval.expires_at,
            reason: approval.reason.clone(),
            revoked_by_id: revocation.map(|revocation| revocation.by.uuid()),
            revoked_at: revocation.map(|revocation| revocation.at),
            revoke_reason: revocation.map(|revocation| revocation.reason.clone()),
            policy_version: approval.policy_version.clone(),
            version: approval.version,
            application_id: approval.application_id.uuid(),
        }
    }
}

/// Writes a new approval.
pub async fn insert(conn: &mut Conn, approval: &Approval) -> DbResult<()> {
    diesel::insert_into(approvals::table).values(Row::from(approval)).execute(conn).await?;
    Ok(())
}

/// Writes the state of an approval that the caller has locked.
pub async fn update(conn: &mut Conn, approval: &Approval) -> DbResult<()> {
    let row = Row::from(approval);
    diesel::update(approvals::table.find(row.id))
        .set((
            approvals::state.eq(row.state),
            approvals::revoked_by_id.eq(row.revoked_by_id),
            approvals::revoked_at.eq(row.revoked_at),
            approvals::revoke_reason.eq(row.revoke_reason),
            approvals::version.eq(row.version),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// An approval, locked.
pub async fn lock(conn: &mut Conn, id: ApprovalId) -> Result<Option<Approval>> {
    let row: Option<Row> = approvals::table
        .find(id.uuid())
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::approval).transpose()
}

/// The person's active approval, locked.
pub async fn lock_active(conn: &mut Conn, account: AccountId) -> Result<Option<Approval>> {
    let row: Option<Row> = approvals::table
        .filter(approvals::account_id.eq(account.uuid()))
        .filter(approvals::state.eq(ApprovalState::Active.as_str()))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::approval).transpose()
}

/// An approval: anybody's, or with `of` only that person's.
pub async fn find(conn: &mut Conn, id: ApprovalId, of: Option<AccountId>) -> Result<Option<Approval>> {
    let mut query = approvals::table.find(id.uuid()).select(Row::as_select()).into_boxed();
    if let Some(of) = of {
        query = query.filter(approvals::account_id.eq(of.uuid()));
    }
    let row: Option<Row> = query.first(conn).await.optional().map_err(DbError::from)?;
    row.map(Row::approval).transpose()
}

/// The approval that an application led to.
pub async fn of_application(conn: &mut Conn, application: ApplicationId) -> Result<Option<Approval>> {
    let row: Option<Row> = approvals::table
        .filter(approvals::application_id.eq(application.uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::approval).transpose()
}

/// The person's newest approval, whatever its state.
pub async fn newest(conn: &mut Conn, account: AccountId) -> Result<Option<Approval>> {
    let row: Option<Row> = approvals::table
        .filter(approvals::account_id.eq(account.uuid()))
        .order(approvals::id.desc())
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::approval).transpose()
}

/// The person's approval that holds at `now`.
pub async fn holding(conn: &mut Conn, account: AccountId, now: DateTime<Utc>) -> Result<Option<Approval>> {
    let row: Option<Row> = approvals::table
        .filter(approvals::account_id.eq(account.uuid()))
        .filter(approvals::state.eq(ApprovalState::Active.as_str()))
        .filter(approvals::expires_at.gt(now))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::approval).transpose()
}

/// Does an approval of the person hold at `now`?
pub async fn holds(conn: &mut Conn, account: AccountId, now: DateTime<Utc>) -> DbResult<bool> {
    let holding = approvals::table
        .filter(approvals::account_id.eq(account.uuid()))
        .filter(approvals::state.eq(ApprovalState::Active.as_str()))
        .filter(approvals::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(holding)).get_result(conn).await?)
}

/// Approvals, newest first.
pub async fn list(
    conn: &mut Conn,
    state: Option<ApprovalState>,
    account: Option<AccountId>,
    before: Option<ApprovalId>,
    limit: i64,
) -> Result<Vec<Approval>> {
    let mut query = approvals::table.select(Row::as_select()).into_boxed();
    if let Some(state) = state {
        query = query.filter(approvals::state.eq(state.as_str()));
    }
    if let Some(account) = account {
        query = query.filter(approvals::account_id.eq(account.uuid()));
    }
    if let Some(before) = before {
        query = query.filter(approvals::id.lt(before.uuid()));
    }
    let rows: Vec<Row> =
        query.order(approvals::id.desc()).limit(limit).load(conn).await.map_err(DbError::from)?;
    rows.into_iter().map(Row::approval).collect()
}
