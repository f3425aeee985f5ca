//! Challenges.

use assay_kernel::Result;
use assay_kernel::ids::PortfolioItemId;
use assay_platform::db::schema::portfolio_challenges;
use assay_platform::db::{Conn, DbError, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::process::{ChallengePlace, ChallengeState};

/// A challenge: a text to be placed where only the owner can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub item_id: PortfolioItemId,
    pub token: String,
    pub place: ChallengePlace,
    pub url: String,
    pub state: ChallengeState,
    pub failure: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub asked_at: Option<DateTime<Utc>>,
    pub checked_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = portfolio_challenges, primary_key(item_id), check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct Row {
    item_id: Uuid,
    token: String,
    place: String,
    url: String,
    state: String,
    failure: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    asked_at: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
}

impl Row {
    fn challenge(self) -> Result<Challenge> {
        Ok(Challenge {
            item_id: PortfolioItemId::from_uuid(self.item_id),
            token: self.token,
            place: self.place.parse()?,
            url: self.url,
            state: self.state.parse()?,
            failure: self.failure,
            created_at: self.created_at,
            expires_at: self.expires_at,
            asked_at: self.asked_at,
            checked_at: self.checked_at,
        })
    }
}

/// Challenges of some items.
pub async fn of(conn: &mut Conn, items: &[PortfolioItemId]) -> Result<Vec<Challenge>> {
    let items: Vec<Uuid> = items.iter().map(|item| item.uuid()).collect();
    let rows: Vec<Row> = portfolio_challenges::table
        .filter(portfolio_challenges::item_id.eq_any(items))
        .select(Row::as_select())
        .load(conn)
        .await
        .map_err(DbError::from)?;
    rows.into_iter().map(Row::challenge).collect()
}

/// The challenge of an item.
pub async fn find(conn: &mut Conn, item: PortfolioItemId) -> Result<Option<Challenge>> {
    Ok(of(conn, &[item]).await?.pop())
}

/// Adds a challenge or writes it anew.
pub async fn put(conn: &mut Conn, challenge: &Challenge) -> DbResult<()> {
    let row = Row {
        item_id: challenge.item_id.uuid(),
        token: challenge.token.clone(),
        place: challenge.place.to_string(),
        url: challenge.url.clone(),
        state: challenge.state.to_string(),
        failure: challenge.failure.clone(),
        created_at: challenge.created_at,
        expires_at: challenge.expires_at,
        asked_at: challenge.asked_at,
        checked_at: challenge.checked_at,
    };
    diesel::insert_into(portfolio_challenges::table)
        .values(&row)
        .on_conflict(portfolio_challenges::item_id)
        .do_update()
        .set(&row)
        .execute(conn)
        .await?;
    Ok(())
}
