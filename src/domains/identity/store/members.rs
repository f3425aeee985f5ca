//! Members of organisations.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_platform::db::schema::{accounts, organisation_members, organisations};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::stored;
use crate::model::{Membership, OrganisationRole};

type MembershipRow = (Uuid, String, Option<i64>, bool);

fn membership_of((organisation, role, limit, verified): MembershipRow) -> DbResult<Membership> {
    Ok(Membership {
        organisation_id: OrganisationId::from_uuid(organisation),
        role: stored(&role)?,
        spending_limit_usd_minor: limit,
        verified,
    })
}

/// The person's membership in the organisation.
pub async fn membership(
    conn: &mut Conn,
    account: AccountId,
    organisation: OrganisationId,
) -> DbResult<Option<Membership>> {
    let row: Option<MembershipRow> = organisation_members::table
        .inner_join(organisations::table.on(organisations::id.eq(organisation_members::organisation_id)))
        .filter(organisation_members::organisation_id.eq(organisation.uuid()))
        .filter(organisation_members::account_id.eq(account.uuid()))
        .select((
            organisation_members::organisation_id,
            organisation_members::role,
            organisation_members::spending_limit_usd_minor,
            organisations::verified_at.is_not_null(),
        ))
        .first(conn)
        .await
        .optional()?;
    row.map(membership_of).transpose()
}

/// All memberships of the person, the oldest first.
pub async fn memberships(conn: &mut Conn, account: AccountId) -> DbResult<Vec<Membership>> {
    let rows: Vec<MembershipRow> = organisation_members::table
        .inner_join(organisations::table.on(organisations::id.eq(organisation_members::organisation_id)))
        .filter(organisation_members::account_id.eq(account.uuid()))
        .order(organisation_members::organisation_id)
        .select((
            organisation_members::organisation_id,
            organisation_members::role,
            organisation_members::spending_limit_usd_minor,
            organisations::verified_at.is_not_null(),
        ))
        .load(conn)
        .await?;
    rows.into_iter().map(membership_of).collect()
}

/// A member as stored, with what is shown of the person.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = organisation_members, check_for_backend(diesel::pg::Pg))]
pub struct MemberRow {
    pub account_id: Uuid,
    pub role: String,
    pub spending_limit_usd_minor: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A member's person: login and name.
pub type Person = (String, Option<String>);

/// A member.
pub async fn find(
    conn: &mut Conn,
    organisation: OrganisationId,
    account: AccountId,
) -> DbResult<Option<(MemberRow, Person)>> {
    Ok(organisation_members::table
        .inner_join(accounts::table.on(accounts::id.eq(organisation_members::account_id)))
        .filter(organisation_members::organisation_id.eq(organisation.uuid()))
        .filter(organisation_members::account_id.eq(account.uuid()))
        .select((MemberRow::as_select(), (accounts::login, accounts::display_name)))
        .first(conn)
        .await
        .optional()?)
}

/// Members in the order of their accounts.
pub async fn list(
    conn: &mut Conn,
    organisation: OrganisationId,
    after: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<(MemberRow, Person)>> {
    let mut query = organisation_members::table
        .inner_join(accounts::table.on(accounts::id.eq(organisation_members::account_id)))
        .filter(organisation_members::organisation_id.eq(organisation.uuid()))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(organisation_members::account_id.gt(after));
    }
    Ok(query
        .order(organisation_members::account_id)
        .limit(limit)
        .select((MemberRow::as_select(), (accounts::login, accounts::display_name)))
        .load(conn)
        .await?)
}

/// Adds a member. Returns 0 when the person is one.
pub async fn insert(
    conn: &mut Conn,
    organisation: OrganisationId,
    account: AccountId,
    role: OrganisationRole,
    limit: Option<i64>,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::insert_into(organisation_members::table)
        .values((
            organisation_members::organisation_id.eq(organisation.uuid()),
            organisation_members::account_id.eq(account.uuid()),
            organisation_members::role.eq(role.as_str()),
            organisation_members::spending_limit_usd_minor.eq(limit),
            organisation_members::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?)
}

/// Writes role and limit.
pub async fn update(
    conn: &mut Conn,
    organisation: OrganisationId,
    account: AccountId,
    role: OrganisationRole,
    limit: Option<i64>,
) -> DbResult<usize> {
    Ok(diesel::update(organisation_members::table.find((organisation.uuid(), account.uuid())))
        .set((
            organisation_members::role.eq(role.as_str()),
            organisation_members::spending_limit_usd_minor.eq(limit),
            organisation_members::version.eq(organisation_members::version + 1),
        ))
        .execute(conn)
        .await?)
}

/// Removes a member.
pub async fn delete(conn: &mut Conn, organisation: OrganisationId, account: AccountId) -> DbResult<usize> {
    Ok(diesel::delete(organisation_members::table.find((organisation.uuid(), account.uuid())))
        .execute(conn)
        .await?)
}

/// Owners other than the person.
pub async fn other_owners(
    conn: &mut Conn,
    organisation: OrganisationId,
    account: AccountId,
) -> DbResult<i64> {
    Ok(organisation_members::table
        .filter(organisation_members::organisation_id.eq(organisation.uuid()))
        .filter(organisation_members::account_id.ne(account.uuid()))
        .filter(organisation_members::role.eq(OrganisationRole::Owner.as_str()))
        .count()
        .get_result(conn)
        .await?)
}

/// Members of the organisation.
pub async fn count(conn: &mut Conn, organisation: OrganisationId) -> DbResult<i64> {
    Ok(organisation_members::table
        .filter(organisation_members::organisation_id.eq(organisation.uuid()))
        .count()
        .get_result(conn)
        .await?)
}

/// Organisations that the person owns.
pub async fn count_owned(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    Ok(organisation_members::table
        .filter(organisation_members::account_id.eq(account.uuid()))
        .filter(organisation_members::role.eq(OrganisationRole::Owner.as_str()))
        .count()
        .get_result(conn)
        .await?)
}
