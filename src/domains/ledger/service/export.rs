//! The journal as a text, written as it is read: memory does not grow with the ledger.

use std::collections::HashMap;
use std::io::Write;

use assay_kernel::money::Currency;
use assay_kernel::{Code, Error, Result, string_enum};
use assay_platform::Ctx;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::json;
use uuid::Uuid;

use super::currency;
use super::text::{bean_name, bean_text, cell, decimal, put};
use crate::model::AccountKind;
use crate::store;
use crate::store::reading::{self, Entry, Scope, Transaction};

/// Rows read at a time.
const PAGE: i64 = 1_000;

string_enum! {
    /// How the journal is written.
    pub enum Format {
        /// A JSON object a line, a line a transaction.
        Json = "json",
        /// A row an entry, for spreadsheets.
        Csv = "csv",
        /// For beancount, another program that can judge it.
        Beancount = "beancount",
    }
}

type Names = HashMap<i64, (AccountKind, Uuid)>;

/// Writes the whole journal, in order, as it is now.
///
/// # Errors
/// The database's failure, or the writer's.
pub async fn export(ctx: &Ctx, format: Format, out: &mut dyn Write) -> Result<()> {
    // What is written while this reads stays out, also the accounts' sums of it.
    let upto = ctx.db.tx(async |conn| Ok(store::horizon(conn).await?)).await?;
    match format {
        Format::Json => {}
        Format::Csv => put(out, "transaction,kind,key,effective_at,account,owner,currency,amount")?,
        Format::Beancount => {
            put(out, "option \"title\" \"Assay\"")?;
            for_each_sum(ctx, upto, |name, _, currency| {
                put(out, &format!("1970-01-01 open {name} {currency}"))
            })
            .await?;
        }
    }
    let (mut after, mut last_day) = (0, NaiveDate::MIN);
    loop {
        let read = ctx.db.read(async |conn| {
            let page = reading::transactions(conn, after, upto, PAGE).await?;
            let mut ids: Vec<i64> = page.iter().flat_map(|t| t.accounts.iter().copied()).collect();
            ids.sort_unstable();
            ids.dedup();
            Ok((reading::names(conn, &ids).await?, page))
        });
        let (names, page) = read.await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let names = names
            .into_iter()
            .map(|(id, kind, owner)| Ok((id, (kind.parse()?, owner))))
            .collect::<Result<Names>>()?;
        for transaction in &page {
            last_day = last_day.max(transaction.effective_at.date_naive());
            write(out, format, transaction, &names)?;
        }
    }
    if let (Format::Beancount, Some(day)) = (format, last_day.succ_opt()) {
        // Summed from the entries, so that the other program holds the journal to them.
        for_each_sum(ctx, upto, |name, sum, currency| {
            put(out, &format!("{day} balance {name}  {} ~ 0 {currency}", decimal(sum, currency)))
        })
        .await?;
    }
    out.flush().map_err(Error::internal)
}

/// Tells beancount's name of each account, the sum of its entries, and its currency.
async fn for_each_sum(
    ctx: &Ctx,
    upto: i64,
    mut tell: impl FnMut(&str, i64, Currency) -> Result<()>,
) -> Result<()> {
    let mut after = 0;
    loop {
        let page = ctx.db.read(async |conn| Ok(reading::sums(conn, after, upto, PAGE).await?)).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for account in &page {
            let name = bean_name(account.kind.parse()?, account.owner);
            tell(&name, account.sum, currency(&account.currency)?)?;
        }
    }
}

fn write(out: &mut dyn Write, format: Format, transaction: &Transaction, names: &Names) -> Result<()> {
    let currency = currency(&transaction.currency)?;
    let mut lines = Vec::with_capacity(transaction.accounts.len());
    for (account, amount) in transaction.accounts.iter().zip(&transaction.amounts) {
        let (kind, owner) =
            names.get(account).ok_or_else(|| Error::internal("an account of the journal is missing"))?;
        lines.push((*kind, *owner, *amount));
    }
    let Transaction { id, kind, key, effective_at, .. } = transaction;
    match format {
        Format::Json => {
            let lines: Vec<_> = lines
                .iter()
                .map(|(kind, owner, amount)| json!({ "account": kind, "owner": owner, "amount": amount }))
                .collect();
            let whole = json!({ "id": id, "kind": kind, "key": key, "currency": transaction.currency,
                "contract": transaction.contract, "milestone": transaction.milestone,
                "reverses": transaction.reverses, "effective_at": effective_at, "lines": lines });
            put(out, &whole.to_string())
        }
        Format::Csv => lines.iter().try_for_each(|(account, owner, amount)| {
            let (kind, key) = (cell(kind), cell(key));
            let amount = decimal(*amount, currency);
            put(
                out,
                &format!("{id},{kind},{key},{},{account},{owner},{currency},{amount}", time(effective_at)),
            )
        }),
        Format::Beancount => {
            let (kind, key) = (bean_text(kind), bean_text(key));
            put(out, &format!("\n{} * \"{kind}\" \"{key}\"", effective_at.date_naive()))?;
            lines.iter().try_for_each(|(account, owner, amount)| {
                let name = bean_name(*account, *owner);
                put(out, &format!("  {name}  {} {currency}", decimal(*amount, currency)))
            })
        }
    }
}

/// A page of an account's statement, newest first, and the position that the next one goes on from.
///
/// # Errors
/// `not_found`, or the database's failure.
pub async fn statement(
    ctx: &Ctx,
    account: i64,
    before: Option<(i64, i64)>,
    limit: i64,
) -> Result<(Vec<Entry>, Option<(i64, i64)>)> {
    let read = ctx.db.read(async |conn| {
        let account = reading::account(conn, account)
            .await?
            .ok_or_else(|| Error::not_found("account of the ledger"))?;
        let entries = reading::entries(conn, &account, before, limit).await?;
        Ok((i64::from(account.side), entries))
    });
    let (side, entries) = read.await?;
    let next = entries
        .last()
        .map(|entry| (entry.transaction, entry.balance.saturating_sub(side.saturating_mul(entry.amount))));
    Ok((entries, next))
}

/// A page of a statement over several accounts, oldest first, after a position (transaction, account).
///
/// # Errors
/// The database's failure.
pub async fn statement_of(ctx: &Ctx, scope: Scope, after: (i64, i64), limit: i64) -> Result<Vec<Entry>> {
    ctx.db.read(async |conn| Ok(reading::scoped(conn, scope, after, limit).await?)).await
}

/// Writes entries of a statement, as JSON lines or as CSV; for beancount there is the journal.
///
/// # Errors
/// The writer's failure, or a format that has no statements.
pub fn write_statement(entries: &[Entry], format: Format, out: &mut dyn Write) -> Result<()> {
    if format == Format::Beancount {
        let detail = "A statement is written as json or csv; beancount takes the whole journal.";
        return Err(Error::new(Code::MalformedRequest, detail));
    }
    if format == Format::Csv {
        put(out, "transaction,effective_at,kind,key,account,account_kind,currency,amount,balance")?;
    }
    for entry in entries {
        let Entry { transaction, kind, key, account, account_kind, amount, balance, effective_at, .. } =
            entry;
        let line = if format == Format::Json {
            serde_json::to_string(entry).map_err(Error::internal)?
        } else {
            let currency = currency(&entry.currency)?;
            let (amount, balance) = (decimal(*amount, currency), decimal(*balance, currency));
            let (at, kind, key) = (time(effective_at), cell(kind), cell(key));
            format!("{transaction},{at},{kind},{key},{account},{account_kind},{currency},{amount},{balance}")
        };
        put(out, &line)?;
    }
    out.flush().map_err(Error::internal)
}

fn time(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
