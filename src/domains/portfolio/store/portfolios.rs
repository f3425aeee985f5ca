//! What is kept once a person.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::db::schema::portfolios;
use assay_platform::db::{Conn, DbError, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::formula::Signals;
use crate::model::gaming::Flag;
use crate::model::progress::Profile;

/// What is kept once a person.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub profile: Option<Profile>,
    pub signals: Option<Signals>,
    pub flags: Vec<Flag>,
    pub imported_at: Option<DateTime<Utc>>,
    pub searched_at: Option<DateTime<Utc>>,
    pub fully_searched_at: Option<DateTime<Utc>>,
    /// Of the skills; 0 before anything is kept.
    pub version: i64,
}

fn read<T: DeserializeOwned>(stored: Value) -> Result<T> {
    serde_json::from_value(stored).map_err(Error::internal)
}

fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(Error::internal)
}

/// What is kept of the person.
pub async fn find(conn: &mut Conn, account: AccountId) -> Result<Kept> {
    type Row = (
        Option<Value>,
        Option<Value>,
        Value,
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
        i64,
    );
    let row: Option<Row> = portfolios::table
        .find(account.uuid())
        .select((
            portfolios::profile,
            portfolios::signals,
            portfolios::flags,
            portfolios::imported_at,
            portfolios::searched_at,
            portfolios::fully_searched_at,
            portfolios::version,
        ))
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    let Some((profile, signals, flags, imported_at, searched_at, fully_searched_at, version)) = row else {
        return Ok(Kept::default());
    };
    Ok(Kept {
        profile: profile.map(read).transpose()?,
        signals: signals.map(read).transpose()?,
        flags: read(flags)?,
        imported_at,
        searched_at,
        fully_searched_at,
        version,
    })
}

/// Signs of gaming of the person.
pub async fn flags(conn: &mut Conn, account: AccountId) -> Result<Vec<Flag>> {
    Ok(find(conn, account).await?.flags)
}

/// Makes the row unless it is there, and locks it. Gives its version.
pub async fn lock(conn: &mut Conn, account: AccountId, now: DateTime<Utc>) -> DbResult<i64> {
    diesel::insert_into(portfolios::table)
        .values((portfolios::account_id.eq(account.uuid()), portfolios::updated_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(portfolios::table.find(account.uuid()).select(portfolios::version).for_update().first(conn).await?)
}

/// Keeps the GitHub profile.
pub async fn put_profile(
    conn: &mut Conn,
    account: AccountId,
    profile: &Profile,
    now: DateTime<Utc>,
) -> Result<()> {
    let profile = json(profile)?;
    let values = (portfolios::profile.eq(profile), portfolios::updated_at.eq(now));
    diesel::insert_into(portfolios::table)
        .values((portfolios::account_id.eq(account.uuid()), values.clone()))
        .on_conflict(portfolios::account_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

/// What a completed import leaves.
#[derive(Debug)]
pub struct Outcome<'a> {
    pub signals: &'a Signals,
    pub flags: &'a [Flag],
    pub searched_at: DateTime<Utc>,
    pub fully_searched_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Keeps what a completed import leaves. The caller has locked the row.
pub async fn put_outcome(
    conn: &mut Conn,
    account: AccountId,
    outcome: &Outcome<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(portfolios::table.find(account.uuid()))
        .set((
            portfolios::signals.eq(json(outcome.signals)?),
            portfolios::flags.eq(json(&outcome.flags)?),
            portfolios::formula_version.eq(&outcome.signals.formula_version),
            portfolios::imported_at.eq(now),
            portfolios::searched_at.eq(outcome.searched_at),
            outcome.fully_searched_at.map(|at| portfolios::fully_searched_at.eq(at)),
            portfolios::updated_at.eq(now),
            portfolios::version.eq(outcome.version),
        ))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

/// Writes the version of the skills. The caller has locked the row.
pub async fn put_version(
    conn: &mut Conn,
    account: AccountId,
    version: i64,
    now: DateTime<Utc>,
) -> DbResult<()> {
    diesel::update(portfolios::table.find(account.uuid()))
        .set((portfolios::version.eq(version), portfolios::updated_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(())
}
