//! The market in the large: who is shown, who earns, how long newcomers wait.

use assay_platform::db::schema::market_metrics;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Float8, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A newcomer has fewer ended contracts than this.
const NEWCOMER: &str = "(SELECT count(*) < 3 FROM contracts c WHERE c.developer_id = v.account_id \
                        AND c.state IN ('completed', 'terminated_for_cause'))";

#[derive(QueryableByName)]
struct Pool {
    #[diesel(sql_type = BigInt)]
    developers: i64,
    #[diesel(sql_type = BigInt)]
    newcomers: i64,
}

/// How many developers are approved now, and how many of them are newcomers.
pub async fn pool(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<(i64, i64)> {
    let sql = format!(
        "SELECT count(*) AS developers, count(*) FILTER (WHERE {NEWCOMER}) AS newcomers
         FROM approvals v WHERE v.state = 'active' AND v.expires_at > $1"
    );
    let pool: Pool = diesel::sql_query(sql).bind::<Timestamptz, _>(now).get_result(conn).await?;
    Ok((pool.developers, pool.newcomers))
}

#[derive(QueryableByName)]
struct Exposed {
    #[diesel(sql_type = Float8)]
    given: f64,
    #[diesel(sql_type = Bool)]
    newcomer: bool,
}

/// Exposure given since a day to those who are approved now: how much, and is it a newcomer?
pub async fn exposure(conn: &mut Conn, now: DateTime<Utc>, since: i32) -> DbResult<Vec<(f64, bool)>> {
    let sql = format!(
        "SELECT sum(i.given) AS given, {NEWCOMER} AS newcomer
         FROM impressions i JOIN approvals v ON v.account_id = i.developer AND v.state = 'active'
         WHERE v.expires_at > $1 AND i.day >= $2 AND i.given > 0 GROUP BY v.account_id"
    );
    let rows: Vec<Exposed> =
        diesel::sql_query(sql).bind::<Timestamptz, _>(now).bind::<Int4, _>(since).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.given, row.newcomer)).collect())
}

assay_platform::statement! {
    /// What was released to developers, by currency.
    struct Earned(since: DateTime<Utc> as Timestamptz) -> (SqlUuid, Text, Nullable<BigInt>);
    "SELECT c.developer_id, m.currency, sum(d.released)::bigint
     FROM milestone_decisions d JOIN milestones m ON m.id = d.milestone_id JOIN contracts c ON c.id = m.contract_id
     WHERE d.decided_at > {} AND d.released > 0 GROUP BY 1, 2"
}

/// What was released to developers since then, by currency, in minor units.
pub async fn earned(conn: &mut Conn, since: DateTime<Utc>) -> DbResult<Vec<(Uuid, String, i64)>> {
    let rows: Vec<(Uuid, String, Option<i64>)> = Earned { since }.load(conn).await?;
    Ok(rows.into_iter().map(|(who, currency, sum)| (who, currency, sum.unwrap_or(0))).collect())
}

assay_platform::statement! {
    /// Days from the first approval to the first invitation or contract, of those approved since.
    struct Waited(since: DateTime<Utc> as Timestamptz) -> (Nullable<Float8>);
    "SELECT extract(epoch FROM least(
            (SELECT min(created_at) FROM invitations i WHERE i.developer_id = v.account_id),
            (SELECT min(created_at) FROM contracts c WHERE c.developer_id = v.account_id)) - v.first)::float8 / 86400
     FROM (SELECT account_id, min(granted_at) AS first FROM approvals GROUP BY 1) v WHERE v.first > {}"
}

/// Days from the first approval to the first invitation or contract, of those approved since; none: it is waited for.
pub async fn waited(conn: &mut Conn, since: DateTime<Utc>) -> DbResult<Vec<Option<f64>>> {
    let rows: Vec<(Option<f64>,)> = Waited { since }.load(conn).await?;
    Ok(rows.into_iter().map(|(days,)| days).collect())
}

/// Stores the metrics of a moment.
pub async fn insert(conn: &mut Conn, as_of: DateTime<Utc>, metrics: &Value) -> DbResult<()> {
    diesel::insert_into(market_metrics::table)
        .values((market_metrics::as_of.eq(as_of), market_metrics::metrics.eq(metrics)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// The latest metrics.
pub async fn latest(conn: &mut Conn) -> DbResult<Option<(DateTime<Utc>, Value)>> {
    Ok(market_metrics::table
        .order(market_metrics::as_of.desc())
        .select((market_metrics::as_of, market_metrics::metrics))
        .first(conn)
        .await
        .optional()?)
}
