//! Items: reading them, and what the person does with them.

use assay_kernel::ids::{AccountId, PortfolioItemId};
use assay_kernel::{Error, Result};
use assay_platform::db::schema::{accounts, portfolio_items};
use assay_platform::db::{Conn, DbError, DbResult};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::model::item::{Item, Level, Mark, Origin};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = portfolio_items, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    account_id: Uuid,
    kind: String,
    level: String,
    origin: String,
    source_key: Option<String>,
    url: Option<String>,
    title: String,
    description: Option<String>,
    role: Option<String>,
    note: Option<String>,
    skills: Vec<String>,
    started_on: Option<NaiveDate>,
    ended_on: Option<NaiveDate>,
    marks: Vec<String>,
    computed: Value,
    is_public: bool,
    observed_at: DateTime<Utc>,
    withdrawn_at: Option<DateTime<Utc>>,
    withdrawn_why: Option<String>,
    verified_at: Option<DateTime<Utc>>,
    verified_what: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl Row {
    fn item(self) -> Result<Item> {
        Ok(Item {
            id: PortfolioItemId::from_uuid(self.id),
            account_id: AccountId::from_uuid(self.account_id),
            kind: self.kind.parse()?,
            level: self.level.parse()?,
            origin: self.origin.parse()?,
            source_key: self.source_key,
            url: self.url,
            title: self.title,
            description: self.description,
            role: self.role,
            note: self.note,
            skills: self.skills,
            started_on: self.started_on,
            ended_on: self.ended_on,
            marks: self.marks.iter().map(|mark| mark.parse::<Mark>()).collect::<Result<_>>()?,
            computed: self.computed,
            is_public: self.is_public,
            observed_at: self.observed_at,
            withdrawn: self.withdrawn_at.zip(self.withdrawn_why),
            verified: self.verified_at.zip(self.verified_what),
            created_at: self.created_at,
            version: self.version,
        })
    }
}

/// How many items of the person are not withdrawn.
pub async fn count(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    Ok(portfolio_items::table
        .filter(portfolio_items::account_id.eq(account.uuid()))
        .filter(portfolio_items::withdrawn_at.is_null())
        .count()
        .get_result(conn)
        .await?)
}

/// How many items the person has added by hand.
pub async fn count_own(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    Ok(portfolio_items::table
        .filter(portfolio_items::account_id.eq(account.uuid()))
        .filter(portfolio_items::origin.eq(Origin::Person.as_str()))
        .count()
        .get_result(conn)
        .await?)
}

/// Which items to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which<'a> {
    pub kind: Option<&'a str>,
    pub level: Option<&'a str>,
    /// Those that others may see: public, and not withdrawn.
    pub only_public: bool,
    pub withdrawn: Option<bool>,
}

/// Items of the person, newest first.
pub async fn list(
    conn: &mut Conn,
    account: AccountId,
    which: Which<'_>,
    before: Option<PortfolioItemId>,
    limit: i64,
) -> Result<Vec<Item>> {
    let mut query = portfolio_items::table
        .filter(portfolio_items::account_id.eq(account.uuid()))
        .select(Row::as_select())
        .into_boxed();
    if let Some(kind) = which.kind {
        query = query.filter(portfolio_items::kind.eq(kind.to_owned()));
    }
    if let Some(level) = which.level {
        query = query.filter(portfolio_items::level.eq(level.to_owned()));
    }
    if which.only_public {
        query = query.filter(portfolio_items::is_public).filter(portfolio_items::withdrawn_at.is_null());
    }
    query = match which.withdrawn {
        Some(true) => query.filter(portfolio_items::withdrawn_at.is_not_null()),
        Some(false) => query.filter(portfolio_items::withdrawn_at.is_null()),
        None => query,
    };
    if let Some(before) = before {
        query = query.filter(portfolio_items::id.lt(before.uuid()));
    }
    let rows: Vec<Row> =
        query.order(portfolio_items::id.desc()).limit(limit).load(conn).await.map_err(DbError::from)?;
    rows.into_iter().map(Row::item).collect()
}

/// Items that an import found and that are there now.
pub async fn imported(conn: &mut Conn, account: AccountId) -> Result<Vec<Item>> {
    let rows: Vec<Row> = portfolio_items::table
        .filter(portfolio_items::account_id.eq(account.uuid()))
        .filter(portfolio_items::origin.eq(Origin::Github.as_str()))
        .filter(portfolio_items::withdrawn_at.is_null())
        .select(Row::as_select())
        .load(conn)
        .await
        .map_err(DbError::from)?;
    rows.into_iter().map(Row::item).collect()
}

/// An item of the person.
pub async fn find_own(conn: &mut Conn, account: AccountId, id: PortfolioItemId) -> Result<Option<Item>> {
    let row: Option<Row> = portfolio_items::table
        .find(id.uuid())
        .filter(portfolio_items::account_id.eq(account.uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::item).transpose()
}

/// An item, whosever it is.
pub async fn find(conn: &mut Conn, id: PortfolioItemId) -> Result<Option<Item>> {
    let row: Option<Row> = portfolio_items::table
        .find(id.uuid())
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::item).transpose()
}

/// An item, locked; of the person, where one is given.
pub async fn lock(conn: &mut Conn, account: Option<AccountId>, id: PortfolioItemId) -> Result<Option<Item>> {
    // Not boxed: a boxed query cannot lock.
    let (any, account) = (account.is_none(), account.map(|account| account.uuid()).unwrap_or_default());
    let row: Option<Row> = portfolio_items::table
        .find(id.uuid())
        .filter(portfolio_items::account_id.eq(account).or(any.into_sql::<diesel::sql_types::Bool>()))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    row.map(Row::item).transpose()
}

/// Adds an item that the person told of.
pub async fn insert(conn: &mut Conn, item: &Item) -> DbResult<()> {
    let row = Row {
        id: item.id.uuid(),
        account_id: item.account_id.uuid(),
        kind: item.kind.to_string(),
        level: item.level.to_string(),
        origin: item.origin.to_string(),
        source_key: item.source_key.clone(),
        url: item.url.clone(),
        title: item.title.clone(),
        description: item.description.clone(),
        role: item.role.clone(),
        note: item.note.clone(),
        skills: item.skills.clone(),
        started_on: item.started_on,
        ended_on: item.ended_on,
        marks: Vec::new(),
        computed: item.computed.clone(),
        is_public: item.is_public,
        observed_at: item.observed_at,
        withdrawn_at: None,
        withdrawn_why: None,
        verified_at: None,
        verified_what: None,
        created_at: item.created_at,
        updated_at: item.created_at,
        version: item.version,
    };
    diesel::insert_into(portfolio_items::table).values(row).execute(conn).await?;
    Ok(())
}

/// Writes what the person decides about an item that the caller has locked.
pub async fn update_own(conn: &mut Conn, item: &Item, now: DateTime<Utc>) -> DbResult<()> {
    diesel::update(portfolio_items::table.find(item.id.uuid()))
        .set((
            portfolio_items::note.eq(&item.note),
            portfolio_items::skills.eq(&item.skills),
            portfolio_items::is_public.eq(item.is_public),
            portfolio_items::updated_at.eq(now),
            portfolio_items::version.eq(item.version),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Raises an item to `platform_verified`.
pub async fn verify(conn: &mut Conn, id: PortfolioItemId, what: &str, now: DateTime<Utc>) -> DbResult<()> {
    diesel::update(portfolio_items::table.find(id.uuid()))
        .set((
            portfolio_items::level.eq(Level::PlatformVerified.as_str()),
            portfolio_items::verified_at.eq(now),
            portfolio_items::verified_what.eq(what),
            portfolio_items::updated_at.eq(now),
            portfolio_items::version.eq(portfolio_items::version + 1),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Raises the version of an item whose challenge has changed.
pub async fn touch(conn: &mut Conn, id: PortfolioItemId, now: DateTime<Utc>) -> DbResult<i64> {
    Ok(diesel::update(portfolio_items::table.find(id.uuid()))
        .set((portfolio_items::updated_at.eq(now), portfolio_items::version.eq(portfolio_items::version + 1)))
        .returning(portfolio_items::version)
        .get_result(conn)
        .await?)
}

/// Deletes an item with its challenge.
pub async fn delete(conn: &mut Conn, id: PortfolioItemId) -> DbResult<()> {
    diesel::delete(portfolio_items::table.find(id.uuid())).execute(conn).await?;
    Ok(())
}

/// Is that account an active developer's?
pub async fn is_developer(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let found: Option<(String, Vec<String>)> = accounts::table
        .find(account.uuid())
        .select((accounts::status, accounts::roles))
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)
        .map_err(Error::from)?;
    Ok(found.is_some_and(|(status, roles)| {
        status == assay_kernel::actor::AccountStatus::Active.as_str()
            && roles.iter().any(|role| role == assay_kernel::Role::Developer.as_str())
    }))
}
