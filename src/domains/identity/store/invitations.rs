//! Invitations to organisations.

use assay_kernel::ids::{AccountId, OrganisationId, OrganisationInvitationId};
use assay_platform::db::schema::{accounts, organisation_invitations, organisations};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::lower;

/// An invitation as stored, without its token.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = organisation_invitations, check_for_backend(diesel::pg::Pg))]
pub struct InvitationRow {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub email: String,
    pub role: String,
    pub spending_limit_usd_minor: Option<i64>,
    pub state: String,
    pub expires_at: DateTime<Utc>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A new invitation.
#[derive(Debug, Insertable)]
#[diesel(table_name = organisation_invitations, check_for_backend(diesel::pg::Pg))]
pub struct NewInvitation<'a> {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub email: &'a str,
    pub role: &'a str,
    pub spending_limit_usd_minor: Option<i64>,
    pub token_hash: &'a [u8],
    pub state: &'a str,
    pub invited_by_id: Uuid,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Adds an invitation. Violates `organisation_invitations_one_open` when the address has an open one.
pub async fn insert(conn: &mut Conn, invitation: &NewInvitation<'_>) -> DbResult<InvitationRow> {
    Ok(diesel::insert_into(organisation_invitations::table)
        .values(invitation)
        .returning(InvitationRow::as_returning())
        .get_result(conn)
        .await?)
}

/// The invitation.
pub async fn find(conn: &mut Conn, id: OrganisationInvitationId) -> DbResult<Option<InvitationRow>> {
    Ok(organisation_invitations::table
        .find(id.uuid())
        .select(InvitationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The invitation, held until the transaction ends.
pub async fn lock(conn: &mut Conn, id: OrganisationInvitationId) -> DbResult<Option<InvitationRow>> {
    Ok(organisation_invitations::table
        .find(id.uuid())
        .for_update()
        .select(InvitationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The open invitation of an address, letter case aside.
pub async fn open_of(
    conn: &mut Conn,
    organisation: OrganisationId,
    email: &str,
) -> DbResult<Option<InvitationRow>> {
    Ok(organisation_invitations::table
        .filter(organisation_invitations::organisation_id.eq(organisation.uuid()))
        .filter(lower(organisation_invitations::email).eq(lower(email.to_owned())))
        .filter(organisation_invitations::state.eq("sent"))
        .for_update()
        .select(InvitationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The invitation of a mailed token: itself, the organisation's name, the inviter's login and name.
pub async fn by_token(
    conn: &mut Conn,
    hash: &[u8],
) -> DbResult<Option<(InvitationRow, String, String, Option<String>)>> {
    Ok(organisation_invitations::table
        .inner_join(organisations::table.on(organisations::id.eq(organisation_invitations::organisation_id)))
        .inner_join(accounts::table.on(accounts::id.eq(organisation_invitations::invited_by_id)))
        .filter(organisation_invitations::token_hash.eq(hash))
        .select((InvitationRow::as_select(), organisations::name, accounts::login, accounts::display_name))
        .first(conn)
        .await
        .optional()?)
}

/// Invitations of an organisation, the newest first.
pub async fn list(
    conn: &mut Conn,
    organisation: OrganisationId,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<InvitationRow>> {
    let mut query = organisation_invitations::table
        .filter(organisation_invitations::organisation_id.eq(organisation.uuid()))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(organisation_invitations::id.lt(before));
    }
    Ok(query
        .order(organisation_invitations::id.desc())
        .limit(limit)
        .select(InvitationRow::as_select())
        .load(conn)
        .await?)
}

/// Open invitations of an organisation.
pub async fn count_open(conn: &mut Conn, organisation: OrganisationId, now: DateTime<Utc>) -> DbResult<i64> {
    Ok(organisation_invitations::table
        .filter(organisation_invitations::organisation_id.eq(organisation.uuid()))
        .filter(organisation_invitations::state.eq("sent"))
        .filter(organisation_invitations::expires_at.gt(now))
        .count()
        .get_result(conn)
        .await?)
}

/// Writes the state, and who accepted.
pub async fn set_state(
    conn: &mut Conn,
    id: Uuid,
    state: &str,
    accepted_by: Option<AccountId>,
    now: DateTime<Utc>,
) -> DbResult<InvitationRow> {
    Ok(diesel::update(organisation_invitations::table.find(id))
        .set((
            organisation_invitations::state.eq(state),
            organisation_invitations::accepted_by_id.eq(accepted_by.map(|by| by.uuid())),
            organisation_invitations::version.eq(organisation_invitations::version + 1),
            organisation_invitations::updated_at.eq(now),
        ))
        .returning(InvitationRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Deletes invitations that came to nothing before: they hold addresses of people who are not members.
pub async fn delete_dead(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(
        organisation_invitations::table
            .filter(organisation_invitations::state.eq_any(["revoked", "expired"]))
            .filter(organisation_invitations::updated_at.lt(before)),
    )
    .execute(conn)
    .await?)
}
