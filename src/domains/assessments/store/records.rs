//! The records of sessions: notes and links.

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_platform::db::schema::session_notes;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A row of `session_notes`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = session_notes, check_for_backend(diesel::pg::Pg))]
pub struct NotesRow {
    /// Of which session.
    pub assessment_id: Uuid,
    /// Who wrote them.
    pub author_id: Uuid,
    /// What they say.
    pub text: String,
    /// Their row version.
    pub version: i64,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// Somebody's own notes.
pub async fn own(conn: &mut Conn, id: AssessmentId, author: AccountId) -> DbResult<Option<NotesRow>> {
    let query = session_notes::table.find((id.uuid(), author.uuid())).select(NotesRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Everybody's notes.
pub async fn of(conn: &mut Conn, id: AssessmentId) -> DbResult<Vec<NotesRow>> {
    let query = session_notes::table.filter(session_notes::assessment_id.eq(id.uuid()));
    Ok(query.order(session_notes::author_id).select(NotesRow::as_select()).load(conn).await?)
}

/// Writes somebody's notes.
pub async fn write(conn: &mut Conn, row: &NotesRow) -> DbResult<()> {
    diesel::insert_into(session_notes::table)
        .values(row)
        .on_conflict((session_notes::assessment_id, session_notes::author_id))
        .do_update()
        .set((
            session_notes::text.eq(&row.text),
            session_notes::version.eq(row.version),
            session_notes::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

// While an appeal is under way, the record stays.
const FORGET_NOTES: &str = "
    DELETE FROM session_notes n USING assessments a
    WHERE a.id = n.assessment_id AND a.state NOT IN ('appealed', 're_reviewed')
        AND coalesce(a.ended_at, a.ends_at, a.updated_at) < $1 - make_interval(days => (a.policy ->> 'notes_days')::int)";

const FORGET_LINKS: &str = "
    UPDATE assessments SET video_url = NULL, repository_url = NULL, version = version + 1
    WHERE (video_url IS NOT NULL OR repository_url IS NOT NULL) AND state NOT IN ('appealed', 're_reviewed')
        AND coalesce(ended_at, ends_at, updated_at) < $1 - make_interval(days => (policy ->> 'notes_days')::int)";

/// Deletes notes whose time is over. Returns how many.
pub async fn forget_notes(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::sql_query(FORGET_NOTES).bind::<sql_types::Timestamptz, _>(now).execute(conn).await?)
}

/// Deletes links whose time is over. Returns of how many sessions.
pub async fn forget_links(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::sql_query(FORGET_LINKS).bind::<sql_types::Timestamptz, _>(now).execute(conn).await?)
}
