//! Pull requests merged and reviewed in repositories of others.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::portfolio_contributions;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::dsl::{count, count_star, max, min};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::facts::ReviewFact;

pub const MERGED: &str = "merged_pull_request";
pub const REVIEW: &str = "review";

/// A pull request.
#[derive(Clone, Debug)]
pub struct Contribution {
    pub number: i64,
    pub repository: String,
    pub url: String,
    pub title: String,
    pub at: DateTime<Utc>,
}

assay_platform::statement! {
    /// Adds pull requests or renews them under their numbers.
    struct Upsert(account: Uuid as SqlUuid, kind: &'static str as Text, numbers: Vec<i64> as Array<BigInt>,
        repositories: Vec<String> as Array<Text>, urls: Vec<String> as Array<Text>, titles: Vec<String> as Array<Text>,
        ats: Vec<DateTime<Utc>> as Array<Timestamptz>) -> ();
    "INSERT INTO portfolio_contributions (account_id, kind, provider_number, repository, url, title, at)
     SELECT {}, {}, c.* FROM unnest({}, {}, {}, {}, {}) AS c (number, repository, url, title, at)
     ON CONFLICT (account_id, kind, provider_number) DO UPDATE SET repository = excluded.repository,
        url = excluded.url, title = excluded.title, at = excluded.at"
}

/// Adds pull requests or renews them.
pub async fn upsert(
    conn: &mut Conn,
    account: AccountId,
    kind: &'static str,
    mut rows: Vec<Contribution>,
) -> DbResult<()> {
    rows.sort_by_key(|row| row.number);
    rows.dedup_by_key(|row| row.number);
    let mut upsert = Upsert {
        account: account.uuid(),
        kind,
        numbers: Vec::new(),
        repositories: Vec::new(),
        urls: Vec::new(),
        titles: Vec::new(),
        ats: Vec::new(),
    };
    for row in rows {
        upsert.numbers.push(row.number);
        upsert.repositories.push(row.repository);
        upsert.urls.push(row.url);
        upsert.titles.push(row.title);
        upsert.ats.push(row.at);
    }
    upsert.execute(conn).await?;
    Ok(())
}

/// Merged pull requests of one repository: name, how many, the first, the last.
pub type Group = (String, i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Merged pull requests by repository, the most first.
pub async fn groups(conn: &mut Conn, account: AccountId) -> DbResult<Vec<Group>> {
    Ok(portfolio_contributions::table
        .filter(portfolio_contributions::account_id.eq(account.uuid()))
        .filter(portfolio_contributions::kind.eq(MERGED))
        .group_by(portfolio_contributions::repository)
        .select((
            portfolio_contributions::repository,
            count_star(),
            min(portfolio_contributions::at),
            max(portfolio_contributions::at),
        ))
        .order((count_star().desc(), portfolio_contributions::repository))
        .load(conn)
        .await?)
}

/// When each pull request was merged.
pub async fn merged_at(conn: &mut Conn, account: AccountId) -> DbResult<Vec<DateTime<Utc>>> {
    Ok(portfolio_contributions::table
        .filter(portfolio_contributions::account_id.eq(account.uuid()))
        .filter(portfolio_contributions::kind.eq(MERGED))
        .select(portfolio_contributions::at)
        .load(conn)
        .await?)
}

/// Reviews in sum.
pub async fn reviews(conn: &mut Conn, account: AccountId) -> DbResult<ReviewFact> {
    type Sum = (i64, i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let (reviewed, repositories, first, last): Sum = portfolio_contributions::table
        .filter(portfolio_contributions::account_id.eq(account.uuid()))
        .filter(portfolio_contributions::kind.eq(REVIEW))
        .select((
            count(portfolio_contributions::provider_number),
            count(portfolio_contributions::repository).aggregate_distinct(),
            min(portfolio_contributions::at),
            max(portfolio_contributions::at),
        ))
        .get_result(conn)
        .await?;
    Ok(ReviewFact {
        reviewed: u64::try_from(reviewed).unwrap_or(0),
        repositories: u64::try_from(repositories).unwrap_or(0),
        span: first.zip(last),
    })
}
