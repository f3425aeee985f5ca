//! Accounts.

use assay_kernel::AccountStatus;
use assay_kernel::ids::AccountId;
use assay_platform::db::schema::accounts;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{ACTIVE, lower};
use crate::model::{AccountRef, Profile};

/// An account as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(diesel::pg::Pg))]
pub struct AccountRow {
    pub id: Uuid,
    pub github_id: i64,
    pub login: String,
    pub avatar_url: Option<String>,
    pub status: String,
    pub roles: Vec<String>,
    pub display_name: Option<String>,
    pub headline: Option<String>,
    pub bio: Option<String>,
    pub country: Option<String>,
    pub time_zone: Option<String>,
    pub website: Option<String>,
    pub contact_email: Option<String>,
    pub github_emails: Value,
    pub terms_version: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

assay_platform::statement! {
    /// The account of a GitHub number, made or refreshed.
    struct Upsert(
        id: Uuid as sql_types::Uuid,
        github_id: i64 as sql_types::BigInt,
        login: String as sql_types::Text,
        avatar_url: String as sql_types::Text,
        emails: Value as sql_types::Jsonb,
        now: DateTime<Utc> as sql_types::Timestamptz,
        now_again: DateTime<Utc> as sql_types::Timestamptz,
    ) -> (sql_types::Uuid, sql_types::Text, sql_types::Nullable<sql_types::Text>);
    "INSERT INTO accounts (id, github_id, login, avatar_url, github_emails, created_at, updated_at)
     VALUES ({}, {}, {}, {}, {}, {}, {})
     ON CONFLICT ON CONSTRAINT accounts_github_id DO UPDATE
     SET login = excluded.login, avatar_url = excluded.avatar_url, github_emails = excluded.github_emails,
         updated_at = excluded.updated_at,
         version = accounts.version + CASE WHEN (accounts.login, accounts.avatar_url, accounts.github_emails)
             IS DISTINCT FROM (excluded.login, excluded.avatar_url, excluded.github_emails) THEN 1 ELSE 0 END
     RETURNING id, status, terms_version"
}

/// What GitHub says of a person at sign-in.
#[derive(Clone, Debug)]
pub struct FromGithub {
    /// GitHub's number for them.
    pub github_id: i64,
    /// Their present login.
    pub login: String,
    /// Their picture.
    pub avatar_url: String,
    /// Their verified addresses.
    pub emails: Value,
}

/// The account of a GitHub number, made or refreshed: id, status, version of the terms agreed to.
pub async fn upsert(
    conn: &mut Conn,
    new_id: AccountId,
    from: &FromGithub,
    now: DateTime<Utc>,
) -> DbResult<(AccountId, String, Option<String>)> {
    let (id, status, terms): (Uuid, String, Option<String>) = Upsert {
        id: new_id.uuid(),
        github_id: from.github_id,
        login: from.login.clone(),
        avatar_url: from.avatar_url.clone(),
        emails: from.emails.clone(),
        now,
        now_again: now,
    }
    .get_result(conn)
    .await?;
    Ok((AccountId::from_uuid(id), status, terms))
}

/// Others who are stored under a login that now belongs to this person: what they are called now is not known until
/// they sign in. `~` cannot be part of a login.
pub async fn forget_login_of_others(conn: &mut Conn, login: &str, github_id: i64) -> DbResult<usize> {
    Ok(diesel::sql_query(
        "UPDATE accounts SET login = 'renamed~' || github_id, version = version + 1
         WHERE lower(login) = lower($1) AND github_id <> $2",
    )
    .bind::<sql_types::Text, _>(login)
    .bind::<sql_types::BigInt, _>(github_id)
    .execute(conn)
    .await?)
}

/// The account.
pub async fn find(conn: &mut Conn, id: AccountId) -> DbResult<Option<AccountRow>> {
    Ok(accounts::table.find(id.uuid()).select(AccountRow::as_select()).first(conn).await.optional()?)
}

/// The account, held until the transaction ends.
pub async fn lock(conn: &mut Conn, id: AccountId) -> DbResult<Option<AccountRow>> {
    Ok(accounts::table
        .find(id.uuid())
        .for_update()
        .select(AccountRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Accounts of a login, letter case aside, the newest first.
pub async fn by_login(conn: &mut Conn, login: &str) -> DbResult<Vec<AccountRow>> {
    Ok(accounts::table
        .filter(lower(accounts::login).eq(lower(login.to_owned())))
        .order(accounts::id.desc())
        .limit(10)
        .select(AccountRow::as_select())
        .load(conn)
        .await?)
}

/// What others may know of a person.
pub async fn reference(conn: &mut Conn, id: AccountId) -> DbResult<Option<AccountRef>> {
    let row: Option<(String, Option<String>)> = accounts::table
        .find(id.uuid())
        .select((accounts::login, accounts::display_name))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|(login, display_name)| AccountRef { id, login, display_name }))
}

/// The account of an active developer.
pub async fn active_developer(conn: &mut Conn, id: AccountId) -> DbResult<Option<AccountRow>> {
    Ok(accounts::table
        .find(id.uuid())
        .filter(accounts::status.eq(ACTIVE))
        .filter(accounts::roles.contains(vec!["developer".to_owned()]))
        .select(AccountRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Turns a pending account into an active one.
pub async fn sign_up(
    conn: &mut Conn,
    id: AccountId,
    profile: &Profile,
    terms_version: &str,
    now: DateTime<Utc>,
) -> DbResult<AccountRow> {
    Ok(diesel::update(accounts::table.find(id.uuid()))
        .set((
            accounts::status.eq(ACTIVE),
            accounts::roles.eq(profile.roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>()),
            accounts::display_name.eq(profile.display_name.as_ref()),
            accounts::contact_email.eq(&profile.contact_email),
            accounts::terms_version.eq(terms_version),
            accounts::version.eq(accounts::version + 1),
            accounts::updated_at.eq(now),
        ))
        .returning(AccountRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Writes the profile.
pub async fn update_profile(
    conn: &mut Conn,
    id: AccountId,
    profile: &Profile,
    now: DateTime<Utc>,
) -> DbResult<AccountRow> {
    Ok(diesel::update(accounts::table.find(id.uuid()))
        .set((
            accounts::roles.eq(profile.roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>()),
            accounts::display_name.eq(profile.display_name.as_ref()),
            accounts::headline.eq(profile.headline.as_deref()),
            accounts::bio.eq(profile.bio.as_deref()),
            accounts::country.eq(profile.country.as_deref()),
            accounts::time_zone.eq(profile.time_zone.as_deref()),
            accounts::website.eq(profile.website.as_deref()),
            accounts::contact_email.eq(&profile.contact_email),
            accounts::version.eq(accounts::version + 1),
            accounts::updated_at.eq(now),
        ))
        .returning(AccountRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Writes the status.
pub async fn set_status(
    conn: &mut Conn,
    id: AccountId,
    status: AccountStatus,
    now: DateTime<Utc>,
) -> DbResult<AccountRow> {
    Ok(diesel::update(accounts::table.find(id.uuid()))
        .set((
            accounts::status.eq(status.as_str()),
            accounts::version.eq(accounts::version + 1),
            accounts::updated_at.eq(now),
        ))
        .returning(AccountRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Marks that what is shown of the account has changed in another table.
pub async fn bump(conn: &mut Conn, id: AccountId, now: DateTime<Utc>) -> DbResult<AccountRow> {
    Ok(diesel::update(accounts::table.find(id.uuid()))
        .set((accounts::version.eq(accounts::version + 1), accounts::updated_at.eq(now)))
        .returning(AccountRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Writes which terms the person has agreed to.
pub async fn set_terms_version(
    conn: &mut Conn,
    id: AccountId,
    terms_version: &str,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(accounts::table.find(id.uuid()))
        .set((
            accounts::terms_version.eq(terms_version),
            accounts::version.eq(accounts::version + 1),
            accounts::updated_at.eq(now),
        ))
        .execute(conn)
        .await?)
}
