//! Anchor sessions: which there are, and which there could be.

use assay_kernel::ids::{AnchorSessionId, AssessmentId};
use assay_platform::db::schema::anchor_sessions;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::Quarter;
use crate::model::anchor::Candidate;

/// A row of `anchor_sessions`.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = anchor_sessions, check_for_backend(diesel::pg::Pg))]
pub struct AnchorSessionRow {
    /// Its id.
    pub id: Uuid,
    /// First day of its quarter.
    pub quarter: NaiveDate,
    /// Slug of the skill family.
    pub track: String,
    /// The session.
    pub assessment_id: Uuid,
    /// Which of the set it is; none when a reviewer added it.
    pub place: Option<i16>,
    /// The reviewer who added it.
    pub chosen_by_id: Option<Uuid>,
    /// When its cards are due.
    pub due_at: DateTime<Utc>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// By whom.
    pub withdrawn_by_id: Option<Uuid>,
    /// When it was chosen.
    pub created_at: DateTime<Utc>,
}

/// Stores an anchor session, unless its place is taken or the session is an anchor of the quarter already.
pub async fn insert(conn: &mut Conn, row: &AnchorSessionRow) -> DbResult<bool> {
    let made = diesel::insert_into(anchor_sessions::table).values(row).on_conflict_do_nothing();
    Ok(made.execute(conn).await? > 0)
}

/// An anchor session, locked when it is to be changed.
pub async fn find(conn: &mut Conn, id: AnchorSessionId, lock: bool) -> DbResult<Option<AnchorSessionRow>> {
    let query = anchor_sessions::table.find(id.uuid()).select(AnchorSessionRow::as_select());
    Ok(match lock {
        true => query.for_no_key_update().first(conn).await,
        false => query.first(conn).await,
    }
    .optional()?)
}

/// Was the session an anchor of any quarter?
pub async fn was_chosen(conn: &mut Conn, id: AssessmentId) -> DbResult<bool> {
    let of = anchor_sessions::table.filter(anchor_sessions::assessment_id.eq(id.uuid()));
    Ok(diesel::select(diesel::dsl::exists(of)).get_result(conn).await?)
}

/// The places of a track's set that are taken.
pub async fn places(conn: &mut Conn, quarter: Quarter, track: &str) -> DbResult<Vec<i16>> {
    Ok(anchor_sessions::table
        .filter(anchor_sessions::quarter.eq(quarter.first_day()))
        .filter(anchor_sessions::track.eq(track))
        .filter(anchor_sessions::place.is_not_null())
        .select(anchor_sessions::place.assume_not_null())
        .load(conn)
        .await?)
}

/// Anchor sessions, newest first.
pub async fn list(
    conn: &mut Conn,
    quarter: Option<Quarter>,
    before: Option<AnchorSessionId>,
    limit: i64,
) -> DbResult<Vec<AnchorSessionRow>> {
    let mut query = anchor_sessions::table.into_boxed();
    if let Some(quarter) = quarter {
        query = query.filter(anchor_sessions::quarter.eq(quarter.first_day()));
    }
    if let Some(before) = before {
        query = query.filter(anchor_sessions::id.lt(before.uuid()));
    }
    let query = query.order(anchor_sessions::id.desc()).limit(limit);
    Ok(query.select(AnchorSessionRow::as_select()).load(conn).await?)
}

/// Writes that an anchor session is withdrawn.
pub async fn update(conn: &mut Conn, row: &AnchorSessionRow) -> DbResult<()> {
    diesel::update(anchor_sessions::table.find(row.id))
        .set((
            anchor_sessions::withdrawn_at.eq(row.withdrawn_at),
            anchor_sessions::withdrawn_by_id.eq(row.withdrawn_by_id),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Double)]
    mean: f64,
}

// Decided for good: published, no redo after it, no appeal under way or possible. The record stays for the whole quarter.
const ELIGIBLE: &str = "
    SELECT a.id, avg((r.value ->> 'level')::int)::float8 AS mean
    FROM assessments a
    JOIN assessment_outcomes o ON o.assessment_id = a.id AND o.published_at IS NOT NULL AND o.superseded_at IS NULL
    JOIN accounts p ON p.id = a.candidate_id AND p.status = 'active'
    LEFT JOIN assessment_appeals l ON l.assessment_id = a.id
    JOIN rating_cards c ON c.assessment_id = a.id AND c.state = 'submitted'
    CROSS JOIN LATERAL jsonb_each(c.content -> 'ratings') r
    WHERE a.state = 'finalized' AND ($1 IS NULL OR a.track = $1) AND ($2 IS NULL OR a.id = $2)
        AND r.value ? 'level'
        AND CASE WHEN l.assessment_id IS NULL THEN o.appeal_until IS NULL OR o.appeal_until < $3
            ELSE l.decided_at IS NOT NULL END
        AND coalesce(a.ended_at, a.ends_at, a.updated_at) + make_interval(days => (a.policy ->> 'notes_days')::int) >= $4
        AND NOT EXISTS (SELECT FROM anchor_sessions s WHERE s.assessment_id = a.id)
    GROUP BY a.id ORDER BY a.id DESC LIMIT 100";

/// The newest sessions that can be anchors of the quarter, on a track, or this one if it can.
pub async fn eligible(
    conn: &mut Conn,
    track: Option<&str>,
    only: Option<AssessmentId>,
    now: DateTime<Utc>,
    quarter: Quarter,
) -> DbResult<Vec<Candidate>> {
    let rows: Vec<Found> = diesel::sql_query(ELIGIBLE)
        .bind::<sql_types::Nullable<sql_types::Text>, _>(track)
        .bind::<sql_types::Nullable<sql_types::Uuid>, _>(only.map(|id| id.uuid()))
        .bind::<sql_types::Timestamptz, _>(now)
        .bind::<sql_types::Timestamptz, _>(quarter.ends_at())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| Candidate { assessment: row.id, mean: row.mean }).collect())
}

// A redo, the candidate's leaving or a withdrawal ends it.
const LIVE: &str = "
    SELECT s.* FROM anchor_sessions s
    JOIN assessments a ON a.id = s.assessment_id AND a.state = 'finalized'
    JOIN assessment_outcomes o ON o.assessment_id = a.id AND o.superseded_at IS NULL
    JOIN accounts p ON p.id = a.candidate_id AND p.status = 'active'
    WHERE s.quarter = $1 AND s.withdrawn_at IS NULL ORDER BY s.id";

/// The anchor sessions of a quarter that are asked for.
pub async fn live(conn: &mut Conn, quarter: Quarter) -> DbResult<Vec<AnchorSessionRow>> {
    Ok(diesel::sql_query(LIVE).bind::<sql_types::Date, _>(quarter.first_day()).load(conn).await?)
}
