//! The provider's journal beside ours, and where they differ.

use assay_platform::db::schema::provider_differences;
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A balance transaction of the provider.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct TransactionRow {
    pub id: String,
    pub kind: String,
    pub source: Option<String>,
    pub amount: i64,
    pub fee: i64,
    pub net: i64,
    pub currency: String,
    pub made_at: DateTime<Utc>,
}

/// A difference as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = provider_differences, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct DifferenceRow {
    pub id: Uuid,
    pub kind: String,
    pub subject: String,
    pub expected: Option<i64>,
    pub found: Option<i64>,
    pub currency: Option<String>,
    pub version: i64,
    pub found_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by_id: Option<Uuid>,
    pub reason: Option<String>,
}

/// Differences.
pub mod difference {
    use super::*;

    rows!(provider_differences, DifferenceRow, id);

    /// Differences, newest first.
    pub async fn list(
        conn: &mut Conn,
        open_only: bool,
        before: Option<Uuid>,
        limit: i64,
    ) -> DbResult<Vec<DifferenceRow>> {
        let mut query = provider_differences::table.into_boxed();
        if open_only {
            query = query.filter(provider_differences::resolved_at.is_null());
        }
        if let Some(before) = before {
            query = query.filter(provider_differences::id.lt(before));
        }
        let query = query.order(provider_differences::id.desc()).limit(limit);
        Ok(query.select(DifferenceRow::as_select()).load(conn).await?)
    }
}

/// Notes a difference; false when it is noted and open already.
pub async fn note(conn: &mut Conn, row: &DifferenceRow) -> DbResult<bool> {
    let noted = diesel::insert_into(provider_differences::table).values(row).on_conflict_do_nothing();
    Ok(noted.execute(conn).await? == 1)
}

statement! {
    /// A page of the provider's journal, column by column: one text however many rows, so that it is prepared once.
    struct Keep(
        seen_at: DateTime<Utc> as Timestamptz, ids: Vec<String> as Array<Text>, kinds: Vec<String> as Array<Text>,
        sources: Vec<Option<String>> as Array<Nullable<Text>>, amounts: Vec<i64> as Array<BigInt>,
        fees: Vec<i64> as Array<BigInt>, nets: Vec<i64> as Array<BigInt>, currencies: Vec<String> as Array<Text>,
        made_at: Vec<DateTime<Utc>> as Array<Timestamptz>,
    ) -> ();
    "INSERT INTO provider_transactions (seen_at, id, kind, source, amount, fee, net, currency, made_at)
     SELECT {}, t.* FROM unnest({}, {}, {}, {}, {}, {}, {}, {}) t ON CONFLICT DO NOTHING"
}

/// Keeps what of a page of the provider's journal is new.
pub async fn keep(conn: &mut Conn, rows: &[TransactionRow], seen_at: DateTime<Utc>) -> DbResult<usize> {
    let texts = |of: fn(&TransactionRow) -> &String| rows.iter().map(|row| of(row).clone()).collect();
    let numbers = |of: fn(&TransactionRow) -> i64| rows.iter().map(of).collect();
    let page = Keep {
        seen_at,
        ids: texts(|row| &row.id),
        kinds: texts(|row| &row.kind),
        sources: rows.iter().map(|row| row.source.clone()).collect(),
        amounts: numbers(|row| row.amount),
        fees: numbers(|row| row.fee),
        nets: numbers(|row| row.net),
        currencies: texts(|row| &row.currency),
        made_at: rows.iter().map(|row| row.made_at).collect(),
    };
    Ok(page.execute(conn).await?)
}

/// The ledger's transaction of a fact.
pub async fn booked_as(conn: &mut Conn, key: &str) -> DbResult<Option<i64>> {
    use assay_platform::db::schema::ledger_transactions;
    let found = ledger_transactions::table.filter(ledger_transactions::key.eq(key));
    Ok(found.select(ledger_transactions::id).first(conn).await.optional()?)
}

/// Finds for each balance transaction the ledger's transaction of the same fact, and resolves the differences that were
/// only late. Returns how many it found.
pub async fn match_up(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<usize> {
    let matched = diesel::sql_query(
        "UPDATE provider_transactions p SET booked = t.id FROM ledger_transactions t
         WHERE p.booked IS NULL AND t.key = CASE
            WHEN p.kind IN ('charge', 'payment') THEN 'funded:' || p.id
            WHEN p.kind = 'transfer' THEN
                (SELECT 'transfer_confirmed:' || x.command_id FROM transfers x WHERE x.transfer = p.source)
            WHEN p.kind IN ('transfer_refund', 'transfer_cancel') THEN
                (SELECT 'refund_after_release:' || r.decision FROM reversals x JOIN refunds r ON r.id = x.refund_id
                 WHERE x.reversal = p.source)
            WHEN p.kind IN ('payout', 'payout_failure', 'payout_cancel') THEN
                (SELECT CASE WHEN p.amount < 0 THEN 'payout_confirmed:' ELSE 'payout_returned:' END || x.command_id
                 FROM payouts x WHERE x.payout = p.source)
            WHEN p.kind IN ('refund', 'payment_refund') THEN
                (SELECT 'refund_confirmed:' || c.id FROM refunds x JOIN provider_commands c ON c.subject = x.id
                 WHERE c.object = p.source)
            WHEN p.kind IN ('refund_failure', 'payment_failure_refund') THEN
                (SELECT 'correction:' || l.id FROM refunds x JOIN provider_commands c ON c.subject = x.id
                 JOIN ledger_transactions l ON l.key = 'refund_confirmed:' || c.id WHERE c.object = p.source)
            WHEN p.kind = 'adjustment' THEN
                (SELECT CASE WHEN p.amount < 0 THEN 'dispute_opened:' ELSE 'dispute_won:' END || x.id
                 FROM provider_disputes x WHERE x.dispute = p.source)
         END",
    )
    .execute(conn)
    .await?;
    diesel::sql_query(
        "UPDATE provider_differences d SET resolved_at = $1, version = version + 1,
            reason = CASE d.kind WHEN 'not_booked' THEN 'booked since' ELSE 'found since' END
         WHERE d.resolved_at IS NULL AND CASE d.kind
            WHEN 'not_booked' THEN
                EXISTS (SELECT FROM provider_transactions p WHERE p.id = d.subject AND p.booked IS NOT NULL)
            WHEN 'not_at_provider' THEN
                EXISTS (SELECT FROM provider_transactions p WHERE p.booked = d.subject::bigint)
            ELSE false END",
    )
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(matched)
}

/// Kind of difference, what differs, what the ledger expects, what the provider has, currency.
pub type Found = (String, String, Option<i64>, Option<i64>, Option<String>);

statement! {
    /// Differences that are not noted yet.
    struct Differences(
        since: DateTime<Utc> as Timestamptz, made: DateTime<Utc> as Timestamptz, late: DateTime<Utc> as Timestamptz,
        until: DateTime<Utc> as Timestamptz
    ) -> (Text, Text, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>);
    "WITH stripe AS (SELECT id, currency FROM ledger_accounts WHERE kind = 'stripe_platform'),
     ours AS (
        SELECT t.id, t.kind, t.currency, e.amount + coalesce((SELECT f.amount FROM ledger_transactions x
            JOIN ledger_entries f ON f.transaction = x.id AND f.account = stripe.id
            WHERE t.kind = 'funded' AND x.key = 'processing_fee:' || substr(t.key, 8)), 0) AS amount, t.created_at
        FROM ledger_entries e JOIN stripe ON stripe.id = e.account JOIN ledger_transactions t ON t.id = e.transaction
        WHERE t.kind <> 'processing_fee' AND t.created_at >= {}),
     theirs AS (SELECT booked, sum(net)::bigint AS net FROM provider_transactions
        WHERE booked IS NOT NULL AND made_at >= {} GROUP BY booked),
     found AS (
        SELECT 'not_booked' AS kind, id AS subject, NULL::bigint AS expected, net AS found, currency
        FROM provider_transactions WHERE booked IS NULL AND seen_at < {}
        UNION ALL
        SELECT 'other_amount', ours.id::text, ours.amount, theirs.net, ours.currency
        FROM ours JOIN theirs ON theirs.booked = ours.id WHERE ours.amount <> theirs.net
        UNION ALL
        SELECT 'not_at_provider', ours.id::text, ours.amount, NULL, ours.currency
        FROM ours LEFT JOIN theirs ON theirs.booked = ours.id
        WHERE theirs.booked IS NULL AND ours.amount <> 0 AND ours.created_at < {})
     SELECT f.kind, f.subject, f.expected, f.found, f.currency FROM found f WHERE NOT EXISTS (
        SELECT FROM provider_differences d WHERE d.kind = f.kind AND d.subject = f.subject)
     LIMIT 1000"
}

/// Differences that are not noted yet: of what the provider had `late`, and of what the ledger has from `since` on and
/// the provider should have had by `until`.
pub async fn differences(
    conn: &mut Conn,
    late: DateTime<Utc>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> DbResult<Vec<Found>> {
    // What is booked now may have begun at the provider long before.
    let made = since - Duration::days(60);
    Ok(Differences { since, made, late, until }.load(conn).await?)
}

statement! {
    /// What the provider's journal sums to, by currency.
    struct Sums() -> (Text, BigInt);
    "SELECT currency, sum(net)::bigint FROM provider_transactions GROUP BY currency"
}

/// What the provider's journal sums to, by currency.
pub async fn sums(conn: &mut Conn) -> DbResult<Vec<(String, i64)>> {
    Ok(Sums {}.load(conn).await?)
}

statement! {
    /// Objects on connected accounts whose end is awaited: kind, id, account.
    struct Unfinished() -> (Text, Text, Text);
    "(SELECT 'account', stripe_account, stripe_account FROM payees
      WHERE stripe_account IS NOT NULL AND state IN ('incomplete', 'pending_review', 'restricted')
      ORDER BY updated_at DESC LIMIT 500)
     UNION ALL
     (SELECT 'payout', x.payout, p.stripe_account FROM payouts x JOIN payees p ON p.account_id = x.developer_id
      WHERE x.payout IS NOT NULL AND x.state IN ('pending', 'in_transit') ORDER BY x.updated_at LIMIT 500)"
}

/// Objects on connected accounts whose end is awaited: kind, id, account.
pub async fn unfinished_on_accounts(conn: &mut Conn) -> DbResult<Vec<(String, String, String)>> {
    Ok(Unfinished {}.load(conn).await?)
}

/// Lets the statements of this transaction take their time.
pub async fn take_time(conn: &mut Conn) -> DbResult<()> {
    diesel::sql_query("SET LOCAL statement_timeout = 0").execute(conn).await?;
    Ok(())
}
