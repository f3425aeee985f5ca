//! The tables `ledger_*`.

pub mod invariants;
pub mod reading;

use assay_kernel::{Code, Error};
use assay_platform::db::{Conn, DbError, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::posting::Posting;

statement! {
    struct Post(kind: String as Text, key: String as Text, currency: String as Text,
        kinds: Vec<String> as Array<Text>, owners: Vec<Uuid> as Array<SqlUuid>, amounts: Vec<i64> as Array<BigInt>,
        contract: Option<Uuid> as Nullable<SqlUuid>, milestone: Option<Uuid> as Nullable<SqlUuid>,
        reverses: Option<i64> as Nullable<BigInt>, at: DateTime<Utc> as Timestamptz,
        now: DateTime<Utc> as Timestamptz)
        -> (BigInt);
    "SELECT ledger_post({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
}

/// Posts: the transaction's number, and whether it is new.
pub async fn post(conn: &mut Conn, posting: &Posting, now: DateTime<Utc>) -> DbResult<(i64, bool)> {
    let lines = || posting.lines();
    let statement = Post {
        kind: posting.kind.to_owned(),
        key: posting.key.clone(),
        currency: posting.currency.code().to_owned(),
        kinds: lines().map(|(account, _)| account.kind.as_str().to_owned()).collect(),
        owners: lines().map(|(account, _)| account.owner).collect(),
        amounts: lines().map(|(_, amount)| amount).collect(),
        contract: posting.contract,
        milestone: posting.milestone,
        reverses: posting.reverses,
        at: posting.effective_at,
        now,
    };
    let (number,): (i64,) = statement.get_result(conn).await?;
    Ok((number.saturating_abs(), number > 0))
}

/// What a refusal of the database means to the caller.
pub fn refusal(error: DbError) -> Error {
    let code = match error.constraint() {
        Some("ledger_guards_never_negative") => Code::InsufficientFunds,
        Some("ledger_key_content") => Code::LedgerKeyReused,
        Some(
            "ledger_reversal_exact"
            | "ledger_transactions_reversed_once"
            | "ledger_one_currency"
            | "ledger_zero_sum"
            | "ledger_not_empty"
            | "ledger_lines",
        ) => Code::LedgerRefused,
        _ => return error.into(),
    };
    Error::new(code, code.meaning()).with_source(error)
}

statement! {
    struct Balance(kind: String as Text, owner: Uuid as SqlUuid, currency: String as Text) -> (BigInt);
    "SELECT (a.side * (coalesce(s.balance, 0) + coalesce((SELECT sum(e.amount) FROM ledger_entries e
            WHERE e.account = a.id AND e.transaction > coalesce(s.upto, 0)), 0)))::bigint
     FROM ledger_accounts a
     LEFT JOIN LATERAL (SELECT upto, balance FROM ledger_snapshots WHERE account = a.id ORDER BY upto DESC LIMIT 1) s ON true
     WHERE a.kind = {} AND a.owner = {} AND a.currency = {}"
}

/// The balance of an account in its own direction: the newest snapshot and what came after it.
pub async fn balance(conn: &mut Conn, kind: &str, owner: Uuid, currency: &str) -> DbResult<Option<i64>> {
    let statement = Balance { kind: kind.to_owned(), owner, currency: currency.to_owned() };
    let found: Option<(i64,)> = statement.get_result(conn).await.optional()?;
    Ok(found.map(|(balance,)| balance))
}

statement! {
    struct Guarded(kinds: Vec<String> as Array<Text>, currency: String as Text) -> (BigInt);
    "SELECT coalesce(sum(g.balance), 0)::bigint FROM ledger_guards g JOIN ledger_accounts a ON a.id = g.account
     WHERE a.kind = ANY ({}) AND a.currency = {}"
}

/// The sum of the balances of all guarded accounts of these kinds.
pub async fn guarded(conn: &mut Conn, kinds: &[String], currency: &str) -> DbResult<i64> {
    let statement = Guarded { kinds: kinds.to_vec(), currency: currency.to_owned() };
    let (sum,): (i64,) = statement.get_result(conn).await?;
    Ok(sum)
}

/// Waits until no transaction of the ledger is under way, and holds new ones off until the caller's own ends: the
/// newest number, below which nothing can appear any more.
pub async fn horizon(conn: &mut Conn) -> DbResult<i64> {
    let row: Number = diesel::sql_query("SELECT ledger_horizon() AS n").get_result(conn).await?;
    Ok(row.n)
}

/// Takes snapshots of the accounts with at least `least` entries since their last: one at each `step` entries, so that
/// an old page of a statement begins near one as well, and one at the newest.
pub async fn snapshot(
    conn: &mut Conn,
    upto: i64,
    (least, step): (i64, i64),
    now: DateTime<Utc>,
) -> DbResult<usize> {
    let taken = diesel::sql_query(
        "INSERT INTO ledger_snapshots (account, upto, balance, taken_at)
         SELECT a.id, e.transaction, coalesce(s.balance, 0) + e.sum, $4 FROM ledger_accounts a
         LEFT JOIN LATERAL (SELECT upto, balance FROM ledger_snapshots WHERE account = a.id ORDER BY upto DESC LIMIT 1) s
            ON true
         CROSS JOIN LATERAL (SELECT transaction, row_number() OVER w AS n, (sum(amount) OVER w)::bigint AS sum,
                count(*) OVER () AS total
            FROM ledger_entries WHERE account = a.id AND transaction > coalesce(s.upto, 0) AND transaction <= $1
            WINDOW w AS (ORDER BY transaction)) e
         WHERE e.total >= $2 AND (e.n = e.total OR e.n % $3 = 0) ON CONFLICT DO NOTHING",
    )
    .bind::<BigInt, _>(upto)
    .bind::<BigInt, _>(least)
    .bind::<BigInt, _>(step)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(taken)
}

/// Lets the statements of this transaction take their time.
pub async fn take_time(conn: &mut Conn) -> DbResult<()> {
    diesel::sql_query("SET LOCAL statement_timeout = 0").execute(conn).await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The number that a query answers.
pub async fn number(conn: &mut Conn, query: &str, now: DateTime<Utc>) -> DbResult<i64> {
    // Not every query asks for the time, but each is given it.
    let sql = format!("SELECT ({query})::bigint AS n FROM (SELECT $1 AS now) at");
    let row: Number = diesel::sql_query(sql).bind::<Timestamptz, _>(now).get_result(conn).await?;
    Ok(row.n)
}
