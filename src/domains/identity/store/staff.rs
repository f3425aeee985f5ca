//! Staff permissions, suspensions and appeals against them.

use assay_kernel::Permission;
use assay_kernel::ids::{AccountId, AppealId};
use assay_platform::db::schema::{accounts, staff_permissions, suspension_appeals, suspensions};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{ACTIVE, stored_all};

/// Advisory lock of changes of who is staff, so that two admins cannot remove each other at once.
pub const LOCK_STAFF: i64 = 0x4153_0102;

/// The person's permissions.
pub async fn permissions(conn: &mut Conn, account: AccountId) -> DbResult<Vec<Permission>> {
    let rows: Vec<String> = staff_permissions::table
        .filter(staff_permissions::account_id.eq(account.uuid()))
        .order(staff_permissions::permission)
        .select(staff_permissions::permission)
        .load(conn)
        .await?;
    stored_all(&rows)
}

/// Gives a permission. Returns 0 when the person has it.
pub async fn grant(
    conn: &mut Conn,
    account: AccountId,
    permission: Permission,
    by: Option<AccountId>,
    reason: &str,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::insert_into(staff_permissions::table)
        .values((
            staff_permissions::account_id.eq(account.uuid()),
            staff_permissions::permission.eq(permission.as_str()),
            staff_permissions::granted_at.eq(now),
            staff_permissions::granted_by_id.eq(by.map(|by| by.uuid())),
            staff_permissions::reason.eq(reason),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?)
}

/// Takes a permission back. Returns 0 when the person has it not.
pub async fn revoke(conn: &mut Conn, account: AccountId, permission: Permission) -> DbResult<usize> {
    Ok(diesel::delete(staff_permissions::table.find((account.uuid(), permission.as_str())))
        .execute(conn)
        .await?)
}

/// Active admins other than the person.
pub async fn other_admins(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    Ok(staff_permissions::table
        .inner_join(accounts::table.on(accounts::id.eq(staff_permissions::account_id)))
        .filter(staff_permissions::permission.eq(Permission::Admin.as_str()))
        .filter(staff_permissions::account_id.ne(account.uuid()))
        .filter(accounts::status.eq(ACTIVE))
        .count()
        .get_result(conn)
        .await?)
}

/// A suspension as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = suspensions, check_for_backend(diesel::pg::Pg))]
pub struct SuspensionRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub reason_code: String,
    pub reason: String,
    pub suspended_by_id: Uuid,
    pub suspended_at: DateTime<Utc>,
}

/// An appeal as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = suspension_appeals, check_for_backend(diesel::pg::Pg))]
pub struct AppealRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub text: String,
    pub state: String,
    pub decided_by_id: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub answer: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// The person's suspension that has not ended, with its appeal.
pub async fn suspension(
    conn: &mut Conn,
    account: AccountId,
) -> DbResult<Option<(SuspensionRow, Option<AppealRow>)>> {
    Ok(suspensions::table
        .left_join(suspension_appeals::table.on(suspension_appeals::suspension_id.eq(suspensions::id)))
        .filter(suspensions::account_id.eq(account.uuid()))
        .filter(suspensions::ended_at.is_null())
        .select((SuspensionRow::as_select(), Option::<AppealRow>::as_select()))
        .first(conn)
        .await
        .optional()?)
}

/// Begins a suspension.
pub async fn suspend(
    conn: &mut Conn,
    id: Uuid,
    account: AccountId,
    reason_code: &str,
    reason: &str,
    by: AccountId,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::insert_into(suspensions::table)
        .values((
            suspensions::id.eq(id),
            suspensions::account_id.eq(account.uuid()),
            suspensions::reason_code.eq(reason_code),
            suspensions::reason.eq(reason),
            suspensions::suspended_by_id.eq(by.uuid()),
            suspensions::suspended_at.eq(now),
        ))
        .execute(conn)
        .await?)
}

/// Ends the person's suspension.
pub async fn end_suspension(
    conn: &mut Conn,
    account: AccountId,
    by: AccountId,
    reason: &str,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(
        suspensions::table
            .filter(suspensions::account_id.eq(account.uuid()))
            .filter(suspensions::ended_at.is_null()),
    )
    .set((
        suspensions::ended_by_id.eq(by.uuid()),
        suspensions::ended_at.eq(now),
        suspensions::end_reason.eq(reason),
    ))
    .execute(conn)
    .await?)
}

/// Adds an appeal.
pub async fn insert_appeal(
    conn: &mut Conn,
    id: AppealId,
    suspension: Uuid,
    account: AccountId,
    text: &str,
    now: DateTime<Utc>,
) -> DbResult<AppealRow> {
    Ok(diesel::insert_into(suspension_appeals::table)
        .values((
            suspension_appeals::id.eq(id.uuid()),
            suspension_appeals::suspension_id.eq(suspension),
            suspension_appeals::account_id.eq(account.uuid()),
            suspension_appeals::text.eq(text),
            suspension_appeals::state.eq("open"),
            suspension_appeals::created_at.eq(now),
        ))
        .returning(AppealRow::as_returning())
        .get_result(conn)
        .await?)
}

/// The appeal and its suspension.
pub async fn appeal(conn: &mut Conn, id: AppealId) -> DbResult<Option<(AppealRow, SuspensionRow)>> {
    Ok(suspension_appeals::table
        .inner_join(suspensions::table.on(suspensions::id.eq(suspension_appeals::suspension_id)))
        .filter(suspension_appeals::id.eq(id.uuid()))
        .select((AppealRow::as_select(), SuspensionRow::as_select()))
        .first(conn)
        .await
        .optional()?)
}

/// Appeals in a state, the longest waiting first.
pub async fn appeals(
    conn: &mut Conn,
    state: &str,
    after: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<(AppealRow, SuspensionRow)>> {
    let mut query = suspension_appeals::table
        .inner_join(suspensions::table.on(suspensions::id.eq(suspension_appeals::suspension_id)))
        .filter(suspension_appeals::state.eq(state.to_owned()))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(suspension_appeals::id.gt(after));
    }
    Ok(query
        .order(suspension_appeals::id)
        .limit(limit)
        .select((AppealRow::as_select(), SuspensionRow::as_select()))
        .load(conn)
        .await?)
}

/// Writes what became of an appeal.
pub async fn close_appeal(
    conn: &mut Conn,
    id: Uuid,
    state: &str,
    by: Option<AccountId>,
    answer: Option<&str>,
    now: DateTime<Utc>,
) -> DbResult<AppealRow> {
    Ok(diesel::update(suspension_appeals::table.find(id))
        .set((
            suspension_appeals::state.eq(state),
            suspension_appeals::decided_by_id.eq(by.map(|by| by.uuid())),
            suspension_appeals::decided_at.eq(now),
            suspension_appeals::answer.eq(answer),
            suspension_appeals::version.eq(suspension_appeals::version + 1),
        ))
        .returning(AppealRow::as_returning())
        .get_result(conn)
        .await?)
}
