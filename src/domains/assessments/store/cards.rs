//! Rating cards, and who has read them.

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_platform::db::Json;
use assay_platform::db::schema::{assessments, rating_cards, rating_readers};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::rating::CardContent;

/// A row of `rating_cards`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = rating_cards, check_for_backend(diesel::pg::Pg))]
pub struct CardRow {
    /// Its id.
    pub id: Uuid,
    /// What it rates.
    pub assessment_id: Uuid,
    /// Who rates.
    pub rater_id: Uuid,
    /// As what.
    pub role: String,
    /// From the record, without having been there?
    pub from_record: bool,
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

/// Opens a card, unless the person has one of the assessment.
pub async fn insert(conn: &mut Conn, row: &CardRow) -> DbResult<bool> {
    let made = diesel::insert_into(rating_cards::table).values(row).on_conflict_do_nothing();
    Ok(made.execute(conn).await? > 0)
}

/// Somebody's own card, locked when it is to be changed.
pub async fn own(
    conn: &mut Conn,
    id: AssessmentId,
    rater: AccountId,
    lock: bool,
) -> DbResult<Option<CardRow>> {
    let query = rating_cards::table
        .filter(rating_cards::assessment_id.eq(id.uuid()))
        .filter(rating_cards::rater_id.eq(rater.uuid()))
        .select(CardRow::as_select());
    Ok(match lock {
        true => query.for_no_key_update().first(conn).await,
        false => query.first(conn).await,
    }
    .optional()?)
}

/// The cards that somebody has to fill in, the soonest due first: a hundred at most.
pub async fn open_of(conn: &mut Conn, rater: AccountId) -> DbResult<Vec<CardRow>> {
    Ok(rating_cards::table
        .filter(rating_cards::rater_id.eq(rater.uuid()))
        .filter(rating_cards::state.eq("open"))
        .order((rating_cards::due_at, rating_cards::id))
        .limit(100)
        .select(CardRow::as_select())
        .load(conn)
        .await?)
}

/// Writes what a card says and where it stands.
pub async fn update(conn: &mut Conn, row: &CardRow) -> DbResult<()> {
    diesel::update(rating_cards::table.find(row.id))
        .set((
            rating_cards::state.eq(&row.state),
            rating_cards::content.eq(&row.content),
            rating_cards::submitted_at.eq(row.submitted_at),
            rating_cards::version.eq(row.version),
            rating_cards::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The cards of an assessment that count or are asked for, in the order in which they were opened.
pub async fn of(conn: &mut Conn, id: AssessmentId) -> DbResult<Vec<CardRow>> {
    Ok(rating_cards::table
        .filter(rating_cards::assessment_id.eq(id.uuid()))
        .filter(rating_cards::state.ne("withdrawn"))
        .order((rating_cards::opened_at, rating_cards::role, rating_cards::id))
        .select(CardRow::as_select())
        .load(conn)
        .await?)
}

/// The submitted cards of the application's assessments that were not voided, the oldest first.
pub async fn submitted_of_application(conn: &mut Conn, application: Uuid) -> DbResult<Vec<CardRow>> {
    Ok(rating_cards::table
        .inner_join(assessments::table)
        .filter(assessments::application_id.eq(application))
        .filter(assessments::state.ne("voided_integrity"))
        .filter(rating_cards::state.eq("submitted"))
        .order((rating_cards::opened_at, rating_cards::role, rating_cards::id))
        .select(CardRow::as_select())
        .load(conn)
        .await?)
}

/// Has the person a card to fill in of any assessment of the application?
pub async fn has_open(conn: &mut Conn, application: Uuid, rater: AccountId) -> DbResult<bool> {
    let open = rating_cards::table
        .inner_join(assessments::table)
        .filter(assessments::application_id.eq(application))
        .filter(rating_cards::rater_id.eq(rater.uuid()))
        .filter(rating_cards::state.eq("open"));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(conn).await?)
}

/// Has the person a card of any assessment of the application, whatever became of it?
pub async fn has_rated(conn: &mut Conn, application: Uuid, rater: AccountId) -> DbResult<bool> {
    let cards = rating_cards::table
        .inner_join(assessments::table)
        .filter(assessments::application_id.eq(application))
        .filter(rating_cards::rater_id.eq(rater.uuid()));
    Ok(diesel::select(diesel::dsl::exists(cards)).get_result(conn).await?)
}

/// Takes back every card of an assessment that is still to be filled in.
pub async fn withdraw_open(conn: &mut Conn, id: AssessmentId, now: DateTime<Utc>) -> DbResult<usize> {
    let open = rating_cards::table
        .filter(rating_cards::assessment_id.eq(id.uuid()))
        .filter(rating_cards::state.eq("open"));
    Ok(diesel::update(open)
        .set((
            rating_cards::state.eq("withdrawn"),
            rating_cards::version.eq(rating_cards::version + 1),
            rating_cards::updated_at.eq(now),
        ))
        .execute(conn)
        .await?)
}

/// Notes that somebody has seen the cards of an assessment.
pub async fn read_by(
    conn: &mut Conn,
    id: AssessmentId,
    reader: AccountId,
    now: DateTime<Utc>,
) -> DbResult<()> {
    diesel::insert_into(rating_readers::table)
        .values((
            rating_readers::assessment_id.eq(id.uuid()),
            rating_readers::reader_id.eq(reader.uuid()),
            rating_readers::first_read_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

// The levels stay: scores are calibrated by them. While an appeal is under way, so do the notes.
const FORGET_NOTES: &str = "
    UPDATE rating_cards c SET notes_deleted_at = $1, version = c.version + 1,
        content = jsonb_build_object('recommendation', c.content -> 'recommendation', 'summary', NULL, 'ratings',
            (SELECT coalesce(jsonb_object_agg(r.key, r.value - 'evidence'), '{}')
             FROM jsonb_each(c.content -> 'ratings') r))
    FROM assessments a
    WHERE a.id = c.assessment_id AND c.notes_deleted_at IS NULL
        AND a.state NOT IN ('appealed', 're_reviewed')
        AND c.opened_at < $1 - make_interval(days => (a.policy ->> 'notes_days')::int)";

/// Deletes the notes of cards whose time is over. Returns of how many.
pub async fn forget_notes(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::sql_query(FORGET_NOTES).bind::<sql_types::Timestamptz, _>(now).execute(conn).await?)
}

/// A level that a final card gives.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct FinalRating {
    /// The assessment.
    #[diesel(sql_type = sql_types::Uuid)]
    pub assessment_id: Uuid,
    /// Who was rated.
    #[diesel(sql_type = sql_types::Uuid)]
    pub developer_id: Uuid,
    /// Who rated.
    #[diesel(sql_type = sql_types::Uuid)]
    pub assessor_id: Uuid,
    /// As what.
    #[diesel(sql_type = sql_types::Text)]
    pub role: String,
    /// The version of the rubric.
    #[diesel(sql_type = sql_types::Text)]
    pub rubric_version: String,
    /// The criterion.
    #[diesel(sql_type = sql_types::Text)]
    pub criterion: String,
    /// The level.
    #[diesel(sql_type = sql_types::Integer)]
    pub rating: i32,
}

// Final: nobody who has to rate the assessment could still be told anything by them.
const FINAL: &str = "
    SELECT c.assessment_id, a.candidate_id AS developer_id, c.rater_id AS assessor_id, c.role, c.rubric_version,
        r.key AS criterion, (r.value ->> 'level')::int AS rating
    FROM rating_cards c
    JOIN assessments a ON a.id = c.assessment_id
    CROSS JOIN LATERAL jsonb_each(c.content -> 'ratings') r
    WHERE c.state = 'submitted' AND a.state = 'finalized' AND r.value ? 'level' AND c.submitted_at > $1
    ORDER BY c.submitted_at, c.id, r.key";

/// Every level of the final cards that were submitted after `after`: what scores are made of.
pub async fn final_ratings(conn: &mut Conn, after: DateTime<Utc>) -> DbResult<Vec<FinalRating>> {
    Ok(diesel::sql_query(FINAL).bind::<sql_types::Timestamptz, _>(after).load(conn).await?)
}
