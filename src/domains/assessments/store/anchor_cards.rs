//! The cards of anchor sessions, apart from those that decisions count.

use assay_kernel::ids::{AccountId, AnchorCardId, AssessmentId};
use assay_platform::db::Json;
use assay_platform::db::schema::{anchor_cards, anchor_sessions, assessments};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::anchors::AnchorSessionRow;
use crate::model::Quarter;
use crate::model::rating::CardContent;

/// A row of `anchor_cards`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = anchor_cards, check_for_backend(diesel::pg::Pg))]
pub struct AnchorCardRow {
    /// Its id.
    pub id: Uuid,
    /// What it rates.
    pub anchor_session_id: Uuid,
    /// Who rates.
    pub rater_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// What it says.
    pub content: Json<CardContent>,
    /// By which rubric.
    pub rubric_version: String,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// When it was submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When its texts were deleted.
    pub notes_deleted_at: Option<DateTime<Utc>>,
    /// Its row version.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Opens a card, unless the person has one of the session.
pub async fn insert(conn: &mut Conn, row: &AnchorCardRow) -> DbResult<bool> {
    let made = diesel::insert_into(anchor_cards::table).values(row).on_conflict_do_nothing();
    Ok(made.execute(conn).await? > 0)
}

/// A card, locked when it is to be changed.
pub async fn find(conn: &mut Conn, id: AnchorCardId, lock: bool) -> DbResult<Option<AnchorCardRow>> {
    let query = anchor_cards::table.find(id.uuid()).select(AnchorCardRow::as_select());
    Ok(match lock {
        true => query.for_no_key_update().first(conn).await,
        false => query.first(conn).await,
    }
    .optional()?)
}

/// The cards that somebody has to fill in, with their sessions, the soonest due first: a hundred at most.
pub async fn open_of(
    conn: &mut Conn,
    rater: AccountId,
    quarter: Quarter,
) -> DbResult<Vec<(AnchorCardRow, AnchorSessionRow)>> {
    Ok(anchor_cards::table
        .inner_join(anchor_sessions::table)
        .filter(anchor_cards::rater_id.eq(rater.uuid()))
        .filter(anchor_cards::state.eq("open"))
        .filter(anchor_sessions::quarter.ge(quarter.first_day()))
        .order((anchor_cards::due_at, anchor_cards::id))
        .limit(100)
        .select((AnchorCardRow::as_select(), AnchorSessionRow::as_select()))
        .load(conn)
        .await?)
}

/// The state of somebody's card of a session, unless it was withdrawn.
pub async fn state_of(conn: &mut Conn, id: AssessmentId, rater: AccountId) -> DbResult<Option<String>> {
    Ok(anchor_cards::table
        .inner_join(anchor_sessions::table)
        .filter(anchor_sessions::assessment_id.eq(id.uuid()))
        .filter(anchor_cards::rater_id.eq(rater.uuid()))
        .filter(anchor_cards::state.ne("withdrawn"))
        .select(anchor_cards::state)
        .first(conn)
        .await
        .optional()?)
}

/// Has the person an anchor card to fill in, of any session or of one of this application?
pub async fn has_open(conn: &mut Conn, application: Option<Uuid>, rater: AccountId) -> DbResult<bool> {
    let mut open = anchor_cards::table
        .inner_join(anchor_sessions::table.inner_join(assessments::table))
        .filter(anchor_cards::rater_id.eq(rater.uuid()))
        .filter(anchor_cards::state.eq("open"))
        .select(anchor_cards::id)
        .into_boxed();
    if let Some(application) = application {
        open = open.filter(assessments::application_id.eq(application));
    }
    Ok(open.first::<Uuid>(conn).await.optional()?.is_some())
}

/// How far a card is.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = anchor_cards, check_for_backend(diesel::pg::Pg))]
pub struct Progress {
    /// What it rates.
    #[diesel(column_name = anchor_session_id)]
    pub session: Uuid,
    /// Who rates.
    #[diesel(column_name = rater_id)]
    pub rater: Uuid,
    /// Where it stands.
    pub state: String,
    /// When it is due.
    pub due_at: DateTime<Utc>,
}

/// How far the cards of some anchor sessions are that count or are asked for, the soonest due first.
pub async fn progress(conn: &mut Conn, sessions: &[Uuid]) -> DbResult<Vec<Progress>> {
    Ok(anchor_cards::table
        .filter(anchor_cards::anchor_session_id.eq_any(sessions.to_vec()))
        .filter(anchor_cards::state.ne("withdrawn"))
        .order((anchor_cards::due_at, anchor_cards::rater_id))
        .select(Progress::as_select())
        .load(conn)
        .await?)
}

/// The submitted cards of an anchor session, by rater.
pub async fn of(conn: &mut Conn, session: Uuid) -> DbResult<Vec<AnchorCardRow>> {
    Ok(anchor_cards::table
        .filter(anchor_cards::anchor_session_id.eq(session))
        .filter(anchor_cards::state.eq("submitted"))
        .order(anchor_cards::rater_id)
        .select(AnchorCardRow::as_select())
        .load(conn)
        .await?)
}

/// Writes what a card says and where it stands.
pub async fn update(conn: &mut Conn, row: &AnchorCardRow) -> DbResult<()> {
    diesel::update(anchor_cards::table.find(row.id))
        .set((
            anchor_cards::state.eq(&row.state),
            anchor_cards::content.eq(&row.content),
            anchor_cards::submitted_at.eq(row.submitted_at),
            anchor_cards::version.eq(row.version),
            anchor_cards::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes back every card of an anchor session that is still to be filled in. Tells whose they were.
pub async fn withdraw_open(conn: &mut Conn, session: Uuid, now: DateTime<Utc>) -> DbResult<Vec<Uuid>> {
    let open = anchor_cards::table
        .filter(anchor_cards::anchor_session_id.eq(session))
        .filter(anchor_cards::state.eq("open"));
    Ok(diesel::update(open)
        .set((
            anchor_cards::state.eq("withdrawn"),
            anchor_cards::version.eq(anchor_cards::version + 1),
            anchor_cards::updated_at.eq(now),
        ))
        .returning(anchor_cards::rater_id)
        .get_results(conn)
        .await?)
}

// The quarter is over, the session no anchor any more, or its rater nobody who may rate it.
const WITHDRAW: &str = "
    UPDATE anchor_cards c SET state = 'withdrawn', version = c.version + 1, updated_at = $1
    FROM anchor_sessions s
    JOIN assessments a ON a.id = s.assessment_id
    JOIN assessment_outcomes o ON o.assessment_id = a.id
    JOIN accounts p ON p.id = a.candidate_id
    WHERE s.id = c.anchor_session_id AND c.state = 'open' AND (
        s.quarter < $2 OR s.withdrawn_at IS NOT NULL
        OR a.state <> 'finalized' OR o.superseded_at IS NOT NULL OR p.status <> 'active'
        OR NOT EXISTS (
            SELECT FROM assessor_tracks t
            JOIN assessors r ON r.account_id = t.assessor_id AND r.blocked_at IS NULL
            JOIN accounts q ON q.id = t.assessor_id AND q.status = 'active'
            JOIN staff_permissions f ON f.account_id = t.assessor_id AND f.permission = 'assessor'
            WHERE t.assessor_id = c.rater_id AND t.track = s.track AND t.role IN ('lead', 'observer')))";

/// Takes back every card that is not asked for any more. Returns how many.
pub async fn withdraw_idle(conn: &mut Conn, now: DateTime<Utc>, quarter: Quarter) -> DbResult<usize> {
    Ok(diesel::sql_query(WITHDRAW)
        .bind::<sql_types::Timestamptz, _>(now)
        .bind::<sql_types::Date, _>(quarter.first_day())
        .execute(conn)
        .await?)
}

// The levels stay: calibrations rest on them. The texts go with the record of the session.
const FORGET_NOTES: &str = "
    UPDATE anchor_cards c SET notes_deleted_at = $1, version = c.version + 1,
        content = jsonb_build_object('recommendation', c.content -> 'recommendation', 'summary', NULL, 'ratings',
            (SELECT coalesce(jsonb_object_agg(r.key, r.value - 'evidence'), '{}')
             FROM jsonb_each(c.content -> 'ratings') r))
    FROM anchor_sessions s
    JOIN assessments a ON a.id = s.assessment_id
    WHERE s.id = c.anchor_session_id AND c.notes_deleted_at IS NULL AND c.state <> 'open'
        AND coalesce(a.ended_at, a.ends_at, a.updated_at) < $1 - make_interval(days => (a.policy ->> 'notes_days')::int)";

/// Deletes the texts of cards whose time is over. Returns of how many.
pub async fn forget_notes(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::sql_query(FORGET_NOTES).bind::<sql_types::Timestamptz, _>(now).execute(conn).await?)
}
