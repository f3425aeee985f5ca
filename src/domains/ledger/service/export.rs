//! The journal as a text, written as it is read: memory does not grow with the ledger.

use std::collections::HashMap;
use std::io::Write;

use assay_kernel::money::Currency;
use assay_kernel::{Error, Result, string_enum};
use assay_platform::Ctx;
use serde_json::json;
use uuid::Uuid;

use super::currency;
use crate::model::AccountKind;
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

/// Writes the whole journal, in order.
///
/// # Errors
/// The database's failure, or the writer's.
pub async fn export(ctx: &Ctx, format: Format, out: &mut dyn Write) -> Result<()> {
    match format {
        Format::Json => {}
        Format::Csv => put(out, "transaction,kind,key,effective_at,account,owner,currency,amount")?,
        Format::Beancount => {
            put(out, "option \"title\" \"Assay\"")?;
            let mut after = 0;
            loop {
                let page = ctx
                    .db
                    .read(async |conn| Ok(reading::accounts(conn, None, None, after, PAGE).await?))
                    .await?;
                let Some(last) = page.last() else { break };
                after = last.id;
                for account in &page {
                    let name = bean_name(account.kind.parse()?, account.owner);
                    put(out, &format!("1970-01-01 open {name} {}", account.currency))?;
                }
            }
        }
    }
    let mut after = 0;
    loop {
        let read = ctx.db.read(async |conn| {
            let page = reading::transactions(conn, after, PAGE).await?;
            let mut ids: Vec<i64> = page.iter().flat_map(|t| t.accounts.iter().copied()).collect();
            ids.sort_unstable();
            ids.dedup();
            Ok((reading::names(conn, &ids).await?, page))
        });
        let (names, page) = read.await?;
        let Some(last) = page.last() else { return out.flush().map_err(Error::internal) };
        after = last.id;
        let names = names
            .into_iter()
            .map(|(id, kind, owner)| Ok((id, (kind.parse()?, owner))))
            .collect::<Result<Names>>()?;
        for transaction in &page {
            write(out, format, transaction, &names)?;
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
            let at = effective_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            put(out, &format!("{id},{kind},{key},{at},{account},{owner},{currency},{amount}"))
        }),
        Format::Beancount => {
            let text = |text: &str| text.replace(['\\', '"'], "");
            put(out, &format!("\n{} * \"{}\" \"{}\"", effective_at.date_naive(), text(kind), text(key)))?;
            lines.iter().try_for_each(|(account, owner, amount)| {
                let name = bean_name(*account, *owner);
                put(out, &format!("  {name}  {} {currency}", decimal(*amount, currency)))
            })
        }
    }
}

fn put(out: &mut dyn Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(Error::internal)
}

/// `Liabilities:Hold:O0193…`.
fn bean_name(kind: AccountKind, owner: Uuid) -> String {
    let words = kind.as_str().split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    let name = format!("{}:{}", kind.class(), words.collect::<String>());
    if owner.is_nil() { name } else { format!("{name}:O{}", owner.simple()) }
}

/// A text of a cell: quoted where it must be, and never a formula.
fn cell(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Minor units as a decimal number of the currency.
fn decimal(amount: i64, currency: Currency) -> String {
    let scale = 10_u64.pow(currency.exponent());
    let (whole, part) = (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    let sign = if amount < 0 { "-" } else { "" };
    match usize::try_from(currency.exponent()) {
        Ok(width @ 1..) => format!("{sign}{whole}.{part:0width$}"),
        _ => format!("{sign}{whole}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@x,\"y\""), "\"'@x,\"\"y\"\"\"");
        assert_eq!(cell("release:1"), "release:1");
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        assert_eq!(decimal(-5, Currency::USD), "-0.05");
        assert_eq!(decimal(-5, Currency::parse("JPY").unwrap()), "-5");
    }
}
