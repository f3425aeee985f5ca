//! Reads of the journal and the accounts, page by page.

use assay_kernel::Result;
use assay_platform::db::schema::{ledger_accounts, ledger_checks, ledger_transactions};
use assay_platform::db::{Conn, DbError, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A transaction as it is in the journal.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = ledger_transactions, check_for_backend(diesel::pg::Pg))]
pub struct Transaction {
    /// Its number.
    pub id: i64,
    /// What kind of fact.
    pub kind: String,
    /// The fact.
    pub key: String,
    /// Of all lines.
    pub currency: String,
    /// The accounts of the lines.
    pub accounts: Vec<i64>,
    /// The amounts of the lines.
    pub amounts: Vec<i64>,
    /// The contract that it belongs to.
    pub contract: Option<Uuid>,
    /// The milestone whose money it moves.
    pub milestone: Option<Uuid>,
    /// What it takes back.
    pub reverses: Option<i64>,
    /// When it happened.
    pub effective_at: DateTime<Utc>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// An account and its balance in its own direction.
#[derive(Debug, Clone, QueryableByName, Serialize)]
pub struct Account {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub owner: Uuid,
    /// Of its entries.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Of its direction: 1 or −1.
    #[diesel(sql_type = SmallInt)]
    pub side: i16,
    /// In its own direction.
    #[diesel(sql_type = BigInt)]
    pub balance: i64,
    /// When it was opened.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// An entry with the balance after it.
#[derive(Debug, Clone, QueryableByName, Serialize, PartialEq, Eq)]
pub struct Entry {
    /// The transaction's number.
    #[diesel(sql_type = BigInt)]
    pub transaction: i64,
    /// What kind of fact.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The fact.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// The account's number.
    #[diesel(sql_type = BigInt)]
    pub account: i64,
    /// What kind of account.
    #[diesel(sql_type = Text)]
    pub account_kind: String,
    /// Of the amount and the balance.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Debit positive, credit negative.
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
    /// The account's balance after it, in its own direction.
    #[diesel(sql_type = BigInt)]
    pub balance: i64,
    /// When it happened.
    #[diesel(sql_type = Timestamptz)]
    pub effective_at: DateTime<Utc>,
}

/// An account and the sum of its entries.
#[derive(Debug, Clone, QueryableByName)]
pub struct Sum {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub owner: Uuid,
    /// Of its entries.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Debit positive, credit negative.
    #[diesel(sql_type = BigInt)]
    pub sum: i64,
}

/// Debits and credits of a kind of account.
#[derive(Debug, Clone, QueryableByName)]
pub struct TrialLine {
    /// The kind of account.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The currency.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Accounts of it.
    #[diesel(sql_type = BigInt)]
    pub accounts: i64,
    /// Their sum: debit positive, credit negative.
    #[diesel(sql_type = BigInt)]
    pub sum: i64,
}

const WITH_BALANCE: &str = "SELECT a.id, a.kind, a.owner, a.currency, a.side, a.created_at,
    (a.side * (coalesce(s.balance, 0) + coalesce((SELECT sum(e.amount) FROM ledger_entries e
        WHERE e.account = a.id AND e.transaction > coalesce(s.upto, 0)), 0)))::bigint AS balance
    FROM ledger_accounts a LEFT JOIN LATERAL
        (SELECT upto, balance FROM ledger_snapshots WHERE account = a.id ORDER BY upto DESC LIMIT 1) s ON true";

/// A transaction.
pub async fn transaction(conn: &mut Conn, id: i64) -> DbResult<Option<Transaction>> {
    let query = ledger_transactions::table.find(id).select(Transaction::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Transactions after a number up to another, in order.
pub async fn transactions(conn: &mut Conn, after: i64, upto: i64, limit: i64) -> DbResult<Vec<Transaction>> {
    let query = ledger_transactions::table
        .filter(ledger_transactions::id.gt(after).and(ledger_transactions::id.le(upto)));
    Ok(query.order(ledger_transactions::id).limit(limit).select(Transaction::as_select()).load(conn).await?)
}

/// Names of accounts: number, kind, owner.
pub async fn names(conn: &mut Conn, ids: &[i64]) -> DbResult<Vec<(i64, String, Uuid)>> {
    let query = ledger_accounts::table.filter(ledger_accounts::id.eq_any(ids));
    let columns = (ledger_accounts::id, ledger_accounts::kind, ledger_accounts::owner);
    Ok(query.select(columns).load(conn).await?)
}

/// Accounts after a number, of a kind and an owner if told, in order.
pub async fn accounts(
    conn: &mut Conn,
    kind: Option<&str>,
    owner: Option<Uuid>,
    after: i64,
    limit: i64,
) -> DbResult<Vec<Account>> {
    let sql = format!(
        "{WITH_BALANCE} WHERE a.id > $1 AND ($2 IS NULL OR a.kind = $2) AND ($3 IS NULL OR a.owner = $3)
         ORDER BY a.id LIMIT $4"
    );
    let query = diesel::sql_query(sql)
        .bind::<BigInt, _>(after)
        .bind::<Nullable<Text>, _>(kind)
        .bind::<Nullable<SqlUuid>, _>(owner)
        .bind::<BigInt, _>(limit);
    Ok(query.load(conn).await?)
}

/// Accounts after a number, with the sums of their entries up to a transaction.
pub async fn sums(conn: &mut Conn, after: i64, upto: i64, limit: i64) -> DbResult<Vec<Sum>> {
    let query = diesel::sql_query(
        "SELECT a.id, a.kind, a.owner, a.currency, e.sum FROM ledger_accounts a
         CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0)::bigint AS sum FROM ledger_entries
            WHERE account = a.id AND transaction <= $2) e
         WHERE a.id > $1 ORDER BY a.id LIMIT $3",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(upto)
    .bind::<BigInt, _>(limit);
    Ok(query.load(conn).await?)
}

/// An account.
pub async fn account(conn: &mut Conn, id: i64) -> DbResult<Option<Account>> {
    let sql = format!("{WITH_BALANCE} WHERE a.id = $1");
    Ok(diesel::sql_query(sql).bind::<BigInt, _>(id).get_result(conn).await.optional()?)
}

/// Entries of an account, newest first, before a transaction whose balance before it is given: a page is read by the
/// index, however many entries there are.
pub async fn entries(
    conn: &mut Conn,
    account: &Account,
    before: Option<(i64, i64)>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (before, balance) = before.unwrap_or((i64::MAX, account.balance));
    let rows = diesel::sql_query(
        "SELECT p.transaction, t.kind, t.key, p.account, $6 AS account_kind, t.currency, p.amount, t.effective_at,
            ($4 - $5 * coalesce(sum(p.amount) OVER (ORDER BY p.transaction DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS balance
         FROM (SELECT * FROM ledger_entries WHERE account = $1 AND transaction < $2
               ORDER BY transaction DESC LIMIT $3) p
         JOIN ledger_transactions t ON t.id = p.transaction ORDER BY p.transaction DESC",
    )
    .bind::<BigInt, _>(account.id)
    .bind::<BigInt, _>(before)
    .bind::<BigInt, _>(limit)
    .bind::<BigInt, _>(balance)
    .bind::<SmallInt, _>(account.side)
    .bind::<Text, _>(&account.kind);
    Ok(rows.load(conn).await.map_err(DbError::from)?)
}

/// Which entries a statement over several accounts has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of all accounts of a person, an organisation, a milestone.
    Owner(Uuid),
    /// Of transactions that move a milestone's money.
    Milestone(Uuid),
    /// Of a contract's transactions.
    Contract(Uuid),
}

/// Entries of an owner's accounts: as many of each as a page has, merged. The balances begin at the snapshot before.
const OF_OWNER: &str = "WITH page AS (
        SELECT a.id AS account, a.kind, a.side, e.transaction, e.amount FROM ledger_accounts a
        CROSS JOIN LATERAL (SELECT transaction, amount FROM ledger_entries
            WHERE account = a.id AND transaction >= $2 AND (transaction > $2 OR a.id > $3)
            ORDER BY transaction LIMIT $4) e
        WHERE a.owner = $1 ORDER BY e.transaction, a.id LIMIT $4)
    SELECT p.transaction, t.kind, t.key, p.account, p.kind AS account_kind, t.currency, p.amount, t.effective_at,
        (p.side * (o.opening + sum(p.amount) OVER (PARTITION BY p.account ORDER BY p.transaction)))::bigint AS balance
    FROM page p JOIN ledger_transactions t ON t.id = p.transaction
    JOIN (SELECT f.account, coalesce(s.balance, 0) + coalesce((SELECT sum(e.amount) FROM ledger_entries e
            WHERE e.account = f.account AND e.transaction > coalesce(s.upto, 0) AND e.transaction < f.first), 0) AS opening
        FROM (SELECT account, min(transaction) AS first FROM page GROUP BY account) f
        LEFT JOIN LATERAL (SELECT upto, balance FROM ledger_snapshots
            WHERE account = f.account AND upto < f.first ORDER BY upto DESC LIMIT 1) s ON true) o ON o.account = p.account
    ORDER BY p.transaction, p.account";

/// Entries of a milestone's or a contract's transactions, which are few; `$$` is the condition.
const OF_TRANSACTIONS: &str = "SELECT * FROM (SELECT e.transaction, t.kind, t.key, e.account, a.kind AS account_kind, t.currency,
        e.amount, t.effective_at,
        (a.side * sum(e.amount) OVER (PARTITION BY e.account ORDER BY e.transaction))::bigint AS balance
        FROM ledger_transactions t JOIN ledger_entries e ON e.transaction = t.id AND e.account = ANY (t.accounts)
        JOIN ledger_accounts a ON a.id = e.account WHERE $$ = $1) s
    WHERE (transaction, account) > ($2, $3) ORDER BY transaction, account LIMIT $4";

/// Entries in a scope after a position, oldest first, with each account's balance: of an owner the account's own, else
/// that of the scope's entries.
pub async fn scoped(conn: &mut Conn, scope: Scope, after: (i64, i64), limit: i64) -> DbResult<Vec<Entry>> {
    let (sql, id) = match scope {
        Scope::Owner(id) => (OF_OWNER.to_owned(), id),
        Scope::Milestone(id) => (OF_TRANSACTIONS.replace("$$", "t.milestone"), id),
        Scope::Contract(id) => (OF_TRANSACTIONS.replace("$$", "t.contract"), id),
    };
    let query = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(id)
        .bind::<BigInt, _>(after.0)
        .bind::<BigInt, _>(after.1)
        .bind::<BigInt, _>(limit);
    Ok(query.load(conn).await?)
}

/// Sums by kind of account and currency.
pub async fn trial_balance(conn: &mut Conn) -> DbResult<Vec<TrialLine>> {
    let sql = format!(
        "SELECT b.kind, b.currency, count(*) AS accounts, sum(b.side * b.balance)::bigint AS sum
         FROM ({WITH_BALANCE}) b GROUP BY b.kind, b.currency ORDER BY b.currency, b.kind"
    );
    Ok(diesel::sql_query(sql).load(conn).await?)
}

/// Notes what a check found, and forgets old ones.
pub async fn note_check(conn: &mut Conn, id: Uuid, now: DateTime<Utc>, findings: Value) -> DbResult<()> {
    let row =
        (ledger_checks::id.eq(id), ledger_checks::checked_at.eq(now), ledger_checks::findings.eq(findings));
    diesel::insert_into(ledger_checks::table).values(row).execute(conn).await?;
    let old = now - chrono::Duration::days(90);
    diesel::delete(ledger_checks::table.filter(ledger_checks::checked_at.lt(old))).execute(conn).await?;
    Ok(())
}

/// The newest check.
pub async fn last_check(conn: &mut Conn) -> DbResult<Option<(DateTime<Utc>, Value)>> {
    let query = ledger_checks::table.order(ledger_checks::checked_at.desc());
    Ok(query.select((ledger_checks::checked_at, ledger_checks::findings)).first(conn).await.optional()?)
}
