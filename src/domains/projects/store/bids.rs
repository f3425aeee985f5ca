//! Bids, their revisions, places and offers.

use assay_kernel::ids::{AccountId, BidId, ProjectId};
use assay_platform::db::schema::{
    accounts, bid_revisions, bids, developer_bid_slots, offers, project_bid_slots,
};
use assay_platform::db::{Conn, DbResult, Json};
use assay_platform::statement;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::{BidDocument, Milestone, Price};

/// A bid as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = bids, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct BidRow {
    pub id: Uuid,
    pub project_id: Uuid,
    pub developer_id: Uuid,
    pub invitation_id: Option<Uuid>,
    pub state: String,
    pub revision: i32,
    pub total_amount: i64,
    pub currency: String,
    pub starts_on: NaiveDate,
    pub document: Json<BidDocument>,
    pub client_fee_bps: i32,
    pub developer_fee_bps: i32,
    pub reason: Option<String>,
    pub version: i64,
    pub submitted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An offer as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = offers, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct OfferRow {
    pub id: Uuid,
    pub bid_id: Uuid,
    pub sequence: i32,
    pub made_by: String,
    pub made_by_id: Uuid,
    pub state: String,
    pub prices: Json<Vec<Price>>,
    pub total_amount: i64,
    pub starts_on: NaiveDate,
    pub message: String,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

statement! {
    /// What placing a bid must know, in one round trip: the project, its slot row, the developer's standing.
    pub struct Placing(
        account_a: Uuid as SqlUuid, now: DateTime<Utc> as Timestamptz,
        account_b: Uuid as SqlUuid, account_c: Uuid as SqlUuid, project: Uuid as SqlUuid,
    ) -> (Text, Text, Jsonb, Date, Bool, Bool, Nullable<SqlUuid>, SqlUuid);
    "SELECT p.state, p.budget_currency, p.milestones, coalesce(p.starts_on, current_date),
            EXISTS (SELECT FROM approvals a WHERE a.account_id = {} AND a.state = 'active' AND a.expires_at > {}),
            EXISTS (SELECT FROM organisation_members m
                    WHERE m.organisation_id = p.organisation_id AND m.account_id = {}),
            (SELECT i.id FROM invitations i
             WHERE i.project_id = p.id AND i.developer_id = {} AND i.state IN ('sent', 'viewed', 'accepted') LIMIT 1),
            p.organisation_id
     FROM projects p WHERE p.id = {} FOR SHARE OF p"
}

/// What [`Placing`] answers: state, currency, milestones, start, approved, own organisation, invitation, organisation.
pub type PlacingRow = (String, String, Json<Vec<Milestone>>, NaiveDate, bool, bool, Option<Uuid>, Uuid);

/// Reads what placing a bid must know; none when there is no such project.
pub async fn placing(
    conn: &mut Conn,
    project: ProjectId,
    developer: AccountId,
    now: DateTime<Utc>,
) -> DbResult<Option<PlacingRow>> {
    let account = developer.uuid();
    Ok(Placing { account_a: account, now, account_b: account, account_c: account, project: project.uuid() }
        .get_result(conn)
        .await
        .optional()?)
}

statement! {
    /// Takes a place of the developer and one of the project, stores the bid and its first revision: one statement,
    /// so that the caps hold under any concurrency. No row when the developer has no place left.
    pub struct Place(
        developer_a: Uuid as SqlUuid, developer_cap: i32 as Integer,
        project_a: Uuid as SqlUuid,
        id: Uuid as SqlUuid, project_b: Uuid as SqlUuid, developer_b: Uuid as SqlUuid,
        invitation: Option<Uuid> as Nullable<SqlUuid>, project_cap: i32 as Integer,
        total: i64 as BigInt, currency: String as Text, starts_on: NaiveDate as Date, document: Json<BidDocument> as Jsonb,
        client_fee_bps: i32 as Integer, developer_fee_bps: i32 as Integer,
        now_a: DateTime<Utc> as Timestamptz, now_b: DateTime<Utc> as Timestamptz, now_c: DateTime<Utc> as Timestamptz,
        id_b: Uuid as SqlUuid, total_b: i64 as BigInt, starts_on_b: NaiveDate as Date, document_b: Json<BidDocument> as Jsonb,
        now_d: DateTime<Utc> as Timestamptz,
    ) -> (Text);
    "WITH mine AS (
        INSERT INTO developer_bid_slots AS s (developer_id, open_bids) VALUES ({}, 1)
        ON CONFLICT (developer_id) DO UPDATE SET open_bids = s.open_bids + 1 WHERE s.open_bids < {}
        RETURNING 1
     ), theirs AS (
        INSERT INTO project_bid_slots AS s (project_id, open_bids) SELECT {}, 1 FROM mine
        ON CONFLICT (project_id) DO UPDATE SET open_bids = s.open_bids + 1
        RETURNING open_bids
     ), bid AS (
        INSERT INTO bids (id, project_id, developer_id, invitation_id, state, revision, total_amount, currency,
                          starts_on, document, client_fee_bps, developer_fee_bps, submitted_at, created_at, updated_at)
        SELECT {}, {}, {}, {}, CASE WHEN theirs.open_bids <= {} THEN 'submitted' ELSE 'waitlisted' END, 1, {}, {}, {}, {},
               {}, {}, {}, {}, {}
        FROM theirs RETURNING state
     ), revision AS (
        INSERT INTO bid_revisions (bid_id, revision, total_amount, starts_on, document, created_at)
        SELECT {}, 1, {}, {}, {}, {} FROM theirs
     )
     SELECT state FROM bid"
}

/// Stores a bid in a place; none when the developer has none left. Answers the state it is in.
pub async fn place(
    conn: &mut Conn,
    row: &BidRow,
    developer_cap: i32,
    project_cap: i32,
) -> DbResult<Option<String>> {
    let state: Option<(String,)> = Place {
        developer_a: row.developer_id,
        developer_cap,
        project_a: row.project_id,
        id: row.id,
        project_b: row.project_id,
        developer_b: row.developer_id,
        invitation: row.invitation_id,
        project_cap,
        total: row.total_amount,
        currency: row.currency.clone(),
        starts_on: row.starts_on,
        document: row.document.clone(),
        client_fee_bps: row.client_fee_bps,
        developer_fee_bps: row.developer_fee_bps,
        now_a: row.created_at,
        now_b: row.created_at,
        now_c: row.created_at,
        id_b: row.id,
        total_b: row.total_amount,
        starts_on_b: row.starts_on,
        document_b: row.document.clone(),
        now_d: row.created_at,
    }
    .get_result(conn)
    .await
    .optional()?;
    Ok(state.map(|(state,)| state))
}

/// Stores a draft, which takes no place.
pub async fn insert_draft(conn: &mut Conn, row: &BidRow) -> DbResult<()> {
    diesel::insert_into(bids::table).values(row).execute(conn).await?;
    Ok(())
}

statement! {
    /// Takes a place of the developer; no row at the cap.
    struct TakeDeveloperPlace(developer: Uuid as SqlUuid, cap: i32 as Integer) -> (Integer);
    "INSERT INTO developer_bid_slots AS s (developer_id, open_bids) VALUES ({}, 1)
     ON CONFLICT (developer_id) DO UPDATE SET open_bids = s.open_bids + 1 WHERE s.open_bids < {}
     RETURNING s.open_bids"
}

/// Takes a place of the developer, unless the cap is reached.
pub async fn take_developer_place(conn: &mut Conn, developer: Uuid, cap: i32) -> DbResult<bool> {
    let taken: Option<(i32,)> = TakeDeveloperPlace { developer, cap }.get_result(conn).await.optional()?;
    Ok(taken.is_some())
}

/// Takes a place of the project; answers how many are taken, waiting ones included.
pub async fn take_project_place(conn: &mut Conn, project: Uuid) -> DbResult<i32> {
    Ok(diesel::insert_into(project_bid_slots::table)
        .values((project_bid_slots::project_id.eq(project), project_bid_slots::open_bids.eq(1)))
        .on_conflict(project_bid_slots::project_id)
        .do_update()
        .set(project_bid_slots::open_bids.eq(project_bid_slots::open_bids + 1))
        .returning(project_bid_slots::open_bids)
        .get_result(conn)
        .await?)
}

/// Gives back one place of the project and one of each developer named, developers in the order of their ids.
pub async fn return_places(conn: &mut Conn, project: Uuid, developers: &[Uuid]) -> DbResult<()> {
    let count = i32::try_from(developers.len()).unwrap_or(i32::MAX);
    diesel::update(project_bid_slots::table.find(project))
        .set(project_bid_slots::open_bids.eq(project_bid_slots::open_bids - count))
        .execute(conn)
        .await?;
    // Rows are locked in one order first, so that two closing projects cannot deadlock.
    let locked: Vec<Uuid> = developer_bid_slots::table
        .filter(developer_bid_slots::developer_id.eq_any(developers))
        .order(developer_bid_slots::developer_id)
        .select(developer_bid_slots::developer_id)
        .for_no_key_update()
        .load(conn)
        .await?;
    diesel::update(developer_bid_slots::table.filter(developer_bid_slots::developer_id.eq_any(locked)))
        .set(developer_bid_slots::open_bids.eq(developer_bid_slots::open_bids - 1))
        .execute(conn)
        .await?;
    Ok(())
}

/// How many places of a project are taken.
pub async fn open_count(conn: &mut Conn, project: Uuid) -> DbResult<i32> {
    Ok(project_bid_slots::table
        .find(project)
        .select(project_bid_slots::open_bids)
        .first(conn)
        .await
        .optional()?
        .unwrap_or(0))
}

/// A bid.
pub async fn find(conn: &mut Conn, id: BidId) -> DbResult<Option<BidRow>> {
    Ok(bids::table.find(id.uuid()).select(BidRow::as_select()).first(conn).await.optional()?)
}

/// A bid, locked. The project is locked before it.
pub async fn lock(conn: &mut Conn, id: BidId) -> DbResult<Option<BidRow>> {
    Ok(bids::table
        .find(id.uuid())
        .select(BidRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Writes everything that may change.
pub async fn update(conn: &mut Conn, row: &BidRow) -> DbResult<()> {
    diesel::update(bids::table.find(row.id))
        .set((
            bids::state.eq(&row.state),
            bids::revision.eq(row.revision),
            bids::total_amount.eq(row.total_amount),
            bids::starts_on.eq(row.starts_on),
            bids::document.eq(&row.document),
            bids::reason.eq(&row.reason),
            bids::version.eq(row.version),
            bids::submitted_at.eq(row.submitted_at),
            bids::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps a revision.
pub async fn insert_revision(conn: &mut Conn, row: &BidRow, now: DateTime<Utc>) -> DbResult<()> {
    diesel::insert_into(bid_revisions::table)
        .values((
            bid_revisions::bid_id.eq(row.id),
            bid_revisions::revision.eq(row.revision),
            bid_revisions::total_amount.eq(row.total_amount),
            bid_revisions::starts_on.eq(row.starts_on),
            bid_revisions::document.eq(&row.document),
            bid_revisions::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// A kept revision: number, total, start, document, time.
pub type RevisionRow = (i32, i64, NaiveDate, Json<BidDocument>, DateTime<Utc>);

/// All revisions of a bid, oldest first.
pub async fn revisions(conn: &mut Conn, bid: BidId) -> DbResult<Vec<RevisionRow>> {
    Ok(bid_revisions::table
        .filter(bid_revisions::bid_id.eq(bid.uuid()))
        .order(bid_revisions::revision)
        .select((
            bid_revisions::revision,
            bid_revisions::total_amount,
            bid_revisions::starts_on,
            bid_revisions::document,
            bid_revisions::created_at,
        ))
        .load(conn)
        .await?)
}

/// What a client sees of a bidder: login, name, headline, zone.
pub type BidderRow = (Uuid, String, Option<String>, Option<String>, Option<String>);

/// The public side of developers.
pub async fn bidders(conn: &mut Conn, ids: &[Uuid]) -> DbResult<Vec<BidderRow>> {
    Ok(accounts::table
        .filter(accounts::id.eq_any(ids))
        .select((
            accounts::id,
            accounts::login,
            accounts::display_name,
            accounts::headline,
            accounts::time_zone,
        ))
        .load(conn)
        .await?)
}

/// Bids on a project that its client may see, in the order of submission; with `after`, later ones.
pub async fn of_project(
    conn: &mut Conn,
    project: ProjectId,
    state: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<BidRow>> {
    let mut query =
        bids::table.filter(bids::project_id.eq(project.uuid())).filter(bids::state.ne("draft")).into_boxed();
    if let Some(state) = state {
        query = query.filter(bids::state.eq(state.to_owned()));
    }
    if let Some(after) = after {
        query = query.filter(bids::id.gt(after));
    }
    Ok(query.order(bids::id.asc()).limit(limit).select(BidRow::as_select()).load(conn).await?)
}

/// A developer's own bids, newest first.
pub async fn of_developer(
    conn: &mut Conn,
    developer: AccountId,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<BidRow>> {
    let mut query = bids::table.filter(bids::developer_id.eq(developer.uuid())).into_boxed();
    if let Some(state) = state {
        query = query.filter(bids::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(bids::id.lt(before));
    }
    Ok(query.order(bids::id.desc()).limit(limit).select(BidRow::as_select()).load(conn).await?)
}

/// Moves all of a project's bids in these states but one to an end state; answers who had them and in which state.
pub async fn end_others(
    conn: &mut Conn,
    project: Uuid,
    keep: Option<Uuid>,
    from: &[&str],
    to: &str,
    now: DateTime<Utc>,
) -> DbResult<Vec<(Uuid, Uuid, String)>> {
    #[derive(QueryableByName)]
    struct Ended {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        developer_id: Uuid,
        #[diesel(sql_type = Text)]
        was: String,
    }
    let ended: Vec<Ended> = diesel::sql_query(
        "WITH live AS (
            SELECT id, state AS was FROM bids
            WHERE project_id = $1 AND state = ANY ($2) AND id IS DISTINCT FROM $3 ORDER BY id FOR NO KEY UPDATE)
         UPDATE bids b SET state = $4, version = b.version + 1, updated_at = $5
         FROM live WHERE b.id = live.id RETURNING b.id, b.developer_id, live.was",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<Array<Text>, _>(from)
    .bind::<Nullable<SqlUuid>, _>(keep)
    .bind::<Text, _>(to)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?;
    Ok(ended.into_iter().map(|e| (e.id, e.developer_id, e.was)).collect())
}

/// Bids of a project before the client that are not waiting.
pub async fn count_active(conn: &mut Conn, project: Uuid) -> DbResult<i64> {
    Ok(bids::table
        .filter(bids::project_id.eq(project))
        .filter(bids::state.eq_any(["submitted", "shortlisted", "offered", "countered"]))
        .count()
        .get_result(conn)
        .await?)
}

/// The oldest waiting bid of a project, locked.
pub async fn next_waiting(conn: &mut Conn, project: Uuid) -> DbResult<Option<BidRow>> {
    Ok(bids::table
        .filter(bids::project_id.eq(project))
        .filter(bids::state.eq("waitlisted"))
        .order(bids::id.asc())
        .select(BidRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Stores an offer.
pub async fn insert_offer(conn: &mut Conn, row: &OfferRow) -> DbResult<()> {
    diesel::insert_into(offers::table).values(row).execute(conn).await?;
    Ok(())
}

/// The offers on a bid, oldest first.
pub async fn offers_of(conn: &mut Conn, bid: Uuid) -> DbResult<Vec<OfferRow>> {
    Ok(offers::table
        .filter(offers::bid_id.eq(bid))
        .order(offers::sequence)
        .select(OfferRow::as_select())
        .load(conn)
        .await?)
}

/// Ends the open offers of these bids.
pub async fn end_offers(conn: &mut Conn, bids: &[Uuid], to: &str) -> DbResult<()> {
    diesel::update(offers::table.filter(offers::bid_id.eq_any(bids)).filter(offers::state.eq("open")))
        .set(offers::state.eq(to))
        .execute(conn)
        .await?;
    Ok(())
}

/// Has another bid of the project an open offer?
pub async fn other_offer(conn: &mut Conn, project: Uuid, bid: Uuid) -> DbResult<bool> {
    let others: i64 = bids::table
        .filter(bids::project_id.eq(project))
        .filter(bids::id.ne(bid))
        .filter(bids::state.eq_any(["offered", "countered"]))
        .count()
        .get_result(conn)
        .await?;
    Ok(others > 0)
}
