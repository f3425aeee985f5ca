//! Assessments, and who of the staff is booked for them.

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_platform::db::schema::{assessments, assessor_tracks, booking_hosts, bookings};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// At most one live assessment an application.
pub const ONE_LIVE: &str = "assessments_one_live";

/// A row of `assessments`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = assessments, treat_none_as_null = true)]
pub struct AssessmentRow {
    /// Its id.
    pub id: Uuid,
    /// The application that it belongs to.
    pub application_id: Uuid,
    /// The candidate.
    pub candidate_id: Uuid,
    /// Slug of the skill family.
    pub track: String,
    /// Its state.
    pub state: String,
    /// The candidate's IANA zone.
    pub zone: String,
    /// When the session begins, once booked.
    pub starts_at: Option<DateTime<Utc>>,
    /// When the session ends, once booked.
    pub ends_at: Option<DateTime<Utc>>,
    /// How often the candidate has changed the time.
    pub reschedules: i32,
    /// SEQUENCE of the last invitation (RFC 5545).
    pub ics_sequence: i32,
    /// The family of the task.
    pub task_family: String,
    /// The version of the task.
    pub task_version: String,
    /// What the candidate may do with AI tools.
    pub ai_policy: String,
    /// The version of the rubric.
    pub rubric_version: String,
    /// The numbers that govern it.
    pub policy: Value,
    /// The version of the policy.
    pub policy_version: String,
    /// The assessment that it follows.
    pub redo_of_id: Option<Uuid>,
    /// Why it follows it.
    pub redo_reason: Option<String>,
    /// Does it come before others?
    pub priority: bool,
    /// No slot before it.
    pub bookable_from: DateTime<Utc>,
    /// Since when no slot could be offered.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When the candidate checked in.
    pub candidate_checked_in_at: Option<DateTime<Utc>>,
    /// When the session began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the session ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Where the session takes place.
    pub video_url: Option<String>,
    /// The repository of the session.
    pub repository_url: Option<String>,
    /// Its row version.
    pub version: i64,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Somebody of the staff in the session of an assessment.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = booking_hosts)]
pub struct HostRow {
    /// The booking.
    pub booking_id: Uuid,
    /// Who.
    pub assessor_id: Uuid,
    /// What they do in it.
    pub role: String,
    /// The booking's state.
    pub state: String,
    /// When the assessor checked in.
    pub checked_in_at: Option<DateTime<Utc>>,
}

/// Inserts an assessment.
pub async fn insert(conn: &mut Conn, row: &AssessmentRow) -> DbResult<()> {
    diesel::insert_into(assessments::table).values(row).execute(conn).await?;
    Ok(())
}

/// An assessment.
pub async fn find(conn: &mut Conn, id: AssessmentId) -> DbResult<Option<AssessmentRow>> {
    Ok(assessments::table.find(id.uuid()).select(AssessmentRow::as_select()).first(conn).await.optional()?)
}

/// An assessment, locked.
pub async fn lock(conn: &mut Conn, id: AssessmentId) -> DbResult<Option<AssessmentRow>> {
    let query = assessments::table.find(id.uuid()).select(AssessmentRow::as_select()).for_update();
    Ok(query.first(conn).await.optional()?)
}

/// Writes every column of an assessment.
pub async fn update(conn: &mut Conn, row: &AssessmentRow) -> DbResult<()> {
    diesel::update(assessments::table.find(row.id)).set(row).execute(conn).await?;
    Ok(())
}

/// The assessments of an application, newest first.
pub async fn of_application(conn: &mut Conn, application: Uuid) -> DbResult<Vec<AssessmentRow>> {
    let query = assessments::table.filter(assessments::application_id.eq(application));
    Ok(query.order(assessments::id.desc()).select(AssessmentRow::as_select()).load(conn).await?)
}

/// The assessments of a candidate, newest first.
pub async fn of_candidate(conn: &mut Conn, candidate: AccountId) -> DbResult<Vec<AssessmentRow>> {
    let query = assessments::table.filter(assessments::candidate_id.eq(candidate.uuid()));
    Ok(query.order(assessments::id.desc()).select(AssessmentRow::as_select()).load(conn).await?)
}

/// Who of the staff has the session: of the booking that is confirmed, took place, or was missed.
pub async fn hosts(conn: &mut Conn, id: AssessmentId) -> DbResult<Vec<HostRow>> {
    let query = booking_hosts::table
        .inner_join(bookings::table)
        .filter(bookings::assessment_id.eq(id.uuid()))
        .filter(bookings::state.eq_any(["confirmed", "completed", "no_show"]))
        .order((booking_hosts::role, booking_hosts::assessor_id));
    Ok(query.select(HostRow::as_select()).load(conn).await?)
}

/// Which assessments are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Only those of this candidate.
    pub of: Option<AccountId>,
    /// Besides, those that the same person hosts, or might watch in training.
    pub hosted: bool,
    /// Only those in this state.
    pub state: Option<&'static str>,
    /// Only those on this track.
    pub track: Option<&'a str>,
}

/// Assessments, newest first.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<AssessmentRow>> {
    let mut query = assessments::table.into_boxed();
    if let Some(person) = filter.of.map(|person| person.uuid()) {
        let own = assessments::candidate_id.eq(person);
        let hosted = booking_hosts::table
            .inner_join(bookings::table)
            .filter(booking_hosts::assessor_id.eq(person))
            .filter(booking_hosts::state.eq_any(["confirmed", "completed", "no_show"]))
            .select(bookings::assessment_id);
        let trained = assessor_tracks::table
            .filter(assessor_tracks::assessor_id.eq(person))
            .filter(assessor_tracks::role.eq("shadow"))
            .select(assessor_tracks::track);
        query = if filter.hosted {
            let watched = assessments::state.eq("booked").and(assessments::track.eq_any(trained));
            query.filter(own.or(assessments::id.eq_any(hosted)).or(watched))
        } else {
            query.filter(own)
        };
    }
    if let Some(state) = filter.state {
        query = query.filter(assessments::state.eq(state));
    }
    if let Some(track) = filter.track {
        query = query.filter(assessments::track.eq(track.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(assessments::id.lt(before));
    }
    let query = query.order(assessments::id.desc()).limit(limit);
    Ok(query.select(AssessmentRow::as_select()).load(conn).await?)
}
