//! What is held about a person: each domain tells what it has, what stands in the way of erasing it, and erases it.
//! Also each person's data key, which seals what must become unreadable with them.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use crate::Ctx;
use crate::crypto::{open_with, seal_with};
use crate::db::schema::account_data_keys;
use crate::db::{Conn, DbError, DbResult};

/// A domain's part of what is held about people. Most are a [`Tables`].
pub trait PersonalData: Sync {
    /// What SQL tells and does.
    fn tables(&self) -> &Tables;

    /// Erases it: rows go, or lose every word by which the person could be known. In the erasure's transaction, the
    /// higher domains first; twice.
    fn erase<'a>(
        &'a self,
        _ctx: &'a Ctx,
        conn: &'a mut Conn,
        account: AccountId,
    ) -> LocalBoxFuture<'a, Result<()>> {
        async move { Ok(self.tables().erase(conn, account).await?) }.boxed_local()
    }

    /// After the transaction: what lies outside the database. May run twice.
    fn forget<'a>(&'a self, _ctx: &'a Ctx, _account: AccountId) -> LocalBoxFuture<'a, Result<()>> {
        std::future::ready(Ok(())).boxed_local()
    }
}

/// Every domain's part, the higher domains first.
pub type Registry = &'static [&'static dyn PersonalData];

/// A part that SQL tells. In each statement `$1` is the account's uuid.
#[derive(Debug)]
pub struct Tables {
    /// The domain.
    pub domain: &'static str,
    /// What is exported: a name, and a query of the rows.
    pub export: &'static [(&'static str, &'static str)],
    /// What stands in the way: code, what the person can do, and a query for a number, which blocks unless it is 0.
    pub blockers: &'static [(&'static str, &'static str, &'static str)],
    /// What is done at an erasure, in this order.
    pub erase: &'static [&'static str],
}

impl PersonalData for Tables {
    fn tables(&self) -> &Tables {
        self
    }
}

impl Tables {
    /// Everything that is held about the person.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export(&self, conn: &mut Conn, account: AccountId) -> DbResult<Value> {
        let mut found = Map::new();
        for (name, query) in self.export {
            found.insert((*name).to_owned(), rows(conn, query, account).await?);
        }
        Ok(Value::Object(found))
    }

    /// What stands in the way of erasing it now.
    async fn blockers(&self, conn: &mut Conn, account: AccountId) -> DbResult<Vec<WhyNot>> {
        let mut found = Vec::new();
        for (code, detail, query) in self.blockers {
            if count(conn, query, account).await? > 0 {
                found.push(WhyNot {
                    action: "erase".to_owned(),
                    code: (*code).to_owned(),
                    detail: (*detail).to_owned(),
                });
            }
        }
        Ok(found)
    }

    /// Erases the rows, or their words.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase(&self, conn: &mut Conn, account: AccountId) -> DbResult<()> {
        for statement in self.erase {
            diesel::sql_query(*statement).bind::<sql_types::Uuid, _>(account.uuid()).execute(conn).await?;
        }
        Ok(())
    }
}

/// The rows of a query about a person, as JSON.
async fn rows(conn: &mut Conn, query: &str, account: AccountId) -> DbResult<Value> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = sql_types::Jsonb)]
        rows: Value,
    }
    let sql = format!("SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') AS rows FROM ({query}) t");
    let found: Found =
        diesel::sql_query(sql).bind::<sql_types::Uuid, _>(account.uuid()).get_result(conn).await?;
    Ok(found.rows)
}

async fn count(conn: &mut Conn, query: &str, account: AccountId) -> DbResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = sql_types::BigInt)]
        n: i64,
    }
    let sql = format!("SELECT ({query}) AS n");
    let found: Count =
        diesel::sql_query(sql).bind::<sql_types::Uuid, _>(account.uuid()).get_result(conn).await?;
    Ok(found.n)
}

/// Everything that is held about a person, by domain.
pub async fn export(registry: Registry, conn: &mut Conn, account: AccountId) -> Result<Value> {
    let mut all = Map::new();
    for part in registry {
        let tables = part.tables();
        all.insert(tables.domain.to_owned(), tables.export(conn, account).await?);
    }
    Ok(Value::Object(all))
}

/// Everything that stands in the way of an erasure.
pub async fn blockers(registry: Registry, conn: &mut Conn, account: AccountId) -> Result<Vec<WhyNot>> {
    let mut all = Vec::new();
    for part in registry {
        all.extend(part.tables().blockers(conn, account).await?);
    }
    Ok(all)
}

/// Erases a person: every part, then the key of what was sealed for them.
pub async fn erase(registry: Registry, ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<()> {
    for part in registry {
        part.erase(ctx, conn, account).await?;
    }
    diesel::delete(account_data_keys::table.find(account.uuid()))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

/// What lies outside the database; after the transaction of [`erase`].
pub async fn forget(registry: Registry, ctx: &Ctx, account: AccountId) -> Result<()> {
    for part in registry {
        part.forget(ctx, account).await?;
    }
    Ok(())
}

/// Seals with a person's data key, which is made when it is first wanted.
pub async fn seal(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
    context: &str,
    plain: &[u8],
) -> Result<Vec<u8>> {
    let key = match data_key(ctx, conn, account).await? {
        Some(key) => key,
        None => {
            let fresh: [u8; 32] = ctx.entropy.bytes();
            let wrapped = ctx.keys.seal(&ctx.entropy, &key_context(account), &fresh)?;
            diesel::insert_into(account_data_keys::table)
                .values((
                    account_data_keys::account_id.eq(account.uuid()),
                    account_data_keys::wrapped.eq(wrapped),
                    account_data_keys::created_at.eq(ctx.clock.now()),
                ))
                .on_conflict_do_nothing()
                .execute(conn)
                .await
                .map_err(DbError::from)?;
            // Another transaction may have been first; what is stored counts.
            data_key(ctx, conn, account).await?.ok_or_else(|| Error::internal("a data key was not stored"))?
        }
    };
    seal_with(&key, &ctx.entropy, &sealed_context(account, context), plain)
}

/// Opens what [`seal`] made; none when the person was erased.
pub async fn open(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
    context: &str,
    sealed: &[u8],
) -> Result<Option<Vec<u8>>> {
    let Some(key) = data_key(ctx, conn, account).await? else { return Ok(None) };
    open_with(&key, &sealed_context(account, context), sealed).map(Some)
}

async fn data_key(ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<Option<[u8; 32]>> {
    let wrapped: Option<Vec<u8>> = account_data_keys::table
        .find(account.uuid())
        .select(account_data_keys::wrapped)
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    let Some(wrapped) = wrapped else { return Ok(None) };
    let key = ctx.keys.open(&key_context(account), &wrapped)?;
    key.try_into().map(Some).map_err(|_| Error::internal("a data key has not 32 bytes"))
}

fn key_context(account: AccountId) -> String {
    format!("{account}/data_key")
}

fn sealed_context(account: AccountId, context: &str) -> String {
    format!("{account}/{context}")
}
