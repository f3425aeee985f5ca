//! Organisations.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_platform::db::schema::{organisation_members, organisations};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::lower;
use crate::model::OrganisationRef;

/// An organisation as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = organisations, check_for_backend(diesel::pg::Pg))]
pub struct OrganisationRow {
    pub id: Uuid,
    pub name: String,
    pub country: String,
    pub website: Option<String>,
    pub created_by_id: Uuid,
    pub verified_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

type RefRow = (Uuid, String, String, bool);

fn reference_of((id, name, country, verified): RefRow) -> OrganisationRef {
    OrganisationRef { id: OrganisationId::from_uuid(id), name, country, verified }
}

/// What others may know of an organisation.
pub async fn reference(conn: &mut Conn, id: OrganisationId) -> DbResult<Option<OrganisationRef>> {
    let row: Option<RefRow> = organisations::table
        .find(id.uuid())
        .select((
            organisations::id,
            organisations::name,
            organisations::country,
            organisations::verified_at.is_not_null(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(reference_of))
}

/// Organisations of that name, letter case aside; two are enough to know that it is ambiguous.
pub async fn by_name(conn: &mut Conn, name: &str) -> DbResult<Vec<OrganisationRef>> {
    let rows: Vec<RefRow> = organisations::table
        .filter(lower(organisations::name).eq(lower(name.to_owned())))
        .order(organisations::id)
        .limit(2)
        .select((
            organisations::id,
            organisations::name,
            organisations::country,
            organisations::verified_at.is_not_null(),
        ))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(reference_of).collect())
}

/// Adds an organisation.
pub async fn insert(
    conn: &mut Conn,
    id: OrganisationId,
    (name, country, website): (&str, &str, Option<&str>),
    by: AccountId,
    now: DateTime<Utc>,
) -> DbResult<OrganisationRow> {
    Ok(diesel::insert_into(organisations::table)
        .values((
            organisations::id.eq(id.uuid()),
            organisations::name.eq(name),
            organisations::country.eq(country),
            organisations::website.eq(website),
            organisations::created_by_id.eq(by.uuid()),
            organisations::created_at.eq(now),
            organisations::updated_at.eq(now),
        ))
        .returning(OrganisationRow::as_returning())
        .get_result(conn)
        .await?)
}

/// The organisation.
pub async fn find(conn: &mut Conn, id: OrganisationId) -> DbResult<Option<OrganisationRow>> {
    Ok(organisations::table
        .find(id.uuid())
        .select(OrganisationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The organisation, held until the transaction ends.
pub async fn lock(conn: &mut Conn, id: OrganisationId) -> DbResult<Option<OrganisationRow>> {
    Ok(organisations::table
        .find(id.uuid())
        .for_update()
        .select(OrganisationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The organisation, if the person is a member, with the role.
pub async fn find_for(
    conn: &mut Conn,
    id: OrganisationId,
    member: AccountId,
) -> DbResult<Option<(OrganisationRow, String)>> {
    Ok(organisations::table
        .inner_join(
            organisation_members::table.on(organisation_members::organisation_id.eq(organisations::id)),
        )
        .filter(organisations::id.eq(id.uuid()))
        .filter(organisation_members::account_id.eq(member.uuid()))
        .select((OrganisationRow::as_select(), organisation_members::role))
        .first(conn)
        .await
        .optional()?)
}

/// Organisations of which the person is a member, the newest first.
pub async fn list_for(
    conn: &mut Conn,
    member: AccountId,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<(OrganisationRow, String)>> {
    let mut query = organisations::table
        .inner_join(
            organisation_members::table.on(organisation_members::organisation_id.eq(organisations::id)),
        )
        .filter(organisation_members::account_id.eq(member.uuid()))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(organisations::id.lt(before));
    }
    Ok(query
        .order(organisations::id.desc())
        .limit(limit)
        .select((OrganisationRow::as_select(), organisation_members::role))
        .load(conn)
        .await?)
}

/// Organisations by verification, the oldest first.
pub async fn list_by_verification(
    conn: &mut Conn,
    verified: bool,
    after: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<OrganisationRow>> {
    let mut query = organisations::table.into_boxed();
    query = if verified {
        query.filter(organisations::verified_at.is_not_null())
    } else {
        query.filter(organisations::verified_at.is_null())
    };
    if let Some(after) = after {
        query = query.filter(organisations::id.gt(after));
    }
    Ok(query.order(organisations::id).limit(limit).select(OrganisationRow::as_select()).load(conn).await?)
}

/// Writes name, country, website.
pub async fn update(
    conn: &mut Conn,
    id: OrganisationId,
    (name, country, website): (&str, &str, Option<&str>),
    now: DateTime<Utc>,
) -> DbResult<OrganisationRow> {
    Ok(diesel::update(organisations::table.find(id.uuid()))
        .set((
            organisations::name.eq(name),
            organisations::country.eq(country),
            organisations::website.eq(website),
            organisations::version.eq(organisations::version + 1),
            organisations::updated_at.eq(now),
        ))
        .returning(OrganisationRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Writes who verified the organisation; none takes the verification back.
pub async fn set_verified(
    conn: &mut Conn,
    id: OrganisationId,
    by: Option<AccountId>,
    now: DateTime<Utc>,
) -> DbResult<OrganisationRow> {
    Ok(diesel::update(organisations::table.find(id.uuid()))
        .set((
            organisations::verified_at.eq(by.map(|_| now)),
            organisations::verified_by_id.eq(by.map(|by| by.uuid())),
            organisations::version.eq(organisations::version + 1),
            organisations::updated_at.eq(now),
        ))
        .returning(OrganisationRow::as_returning())
        .get_result(conn)
        .await?)
}
