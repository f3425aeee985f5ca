//! The record of a session.

use actix_web::web::Data;
use actix_web::{get, patch};
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::{Error, Result};
use assay_platform::web::{Auth, IfMatch, MergePatchDocument, Outcome, Path, Reader, Reply, Routes, Staff};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::tag_of;
use crate::model::AssessmentState;
use crate::service::Assessments;
use crate::service::records::{RecordContent, RecordDetail};
use crate::store::records::NotesRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(get_session_record).service(update_session_record);
}

/// What somebody wrote down in a session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionNotes {
    /// Who.
    author_id: AccountId,
    /// What.
    #[schema(example = "10:12 asks for the failing test first.")]
    text: String,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// The record of a session, as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
struct SessionRecord {
    /// Of which assessment.
    id: AssessmentId,
    /// Where it stands.
    state: AssessmentState,
    /// The family of the task.
    #[schema(example = "queue-worker")]
    task_family: String,
    /// Its version.
    #[schema(example = "2026-11")]
    task_version: String,
    /// What the candidate might do with AI tools, as declared before the booking.
    ai_policy: String,
    /// When it begins, once booked.
    starts_at: Option<DateTime<Utc>>,
    /// When it ends, once booked.
    ends_at: Option<DateTime<Utc>>,
    /// When it began.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// Where it takes place; deleted 180 days after its end.
    #[schema(example = "https://meet.example/3fV9x7Qf")]
    video_url: Option<String>,
    /// The repository of the session; deleted with it.
    #[schema(example = "https://git.example/sessions/4711")]
    repository_url: Option<String>,
    /// The caller's own notes.
    own_notes: Option<String>,
    /// Everybody's notes; null while they are not for the caller.
    notes: Option<Vec<SessionNotes>>,
}

impl From<NotesRow> for SessionNotes {
    fn from(row: NotesRow) -> Self {
        Self { author_id: AccountId::from_uuid(row.author_id), text: row.text, updated_at: row.updated_at }
    }
}

/// The record's JSON and its tag. The tag is of what is shown: a version would count what is not for the caller.
fn shown(detail: &RecordDetail) -> Result<(String, String)> {
    let RecordDetail { row, own_notes, notes } = detail;
    let view = SessionRecord {
        id: row.assessment_id(),
        state: row.state()?,
        task_family: row.task_family.clone(),
        task_version: row.task_version.clone(),
        ai_policy: row.ai_policy.clone(),
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
        video_url: row.video_url.clone(),
        repository_url: row.repository_url.clone(),
        own_notes: own_notes.clone(),
        notes: notes.as_ref().map(|notes| notes.iter().cloned().map(SessionNotes::from).collect()),
    };
    let body = serde_json::to_string(&view).map_err(Error::internal)?;
    let tag = tag_of(&body);
    Ok((body, tag))
}

fn reply(detail: &RecordDetail) -> Result<Reply> {
    let (body, tag) = shown(detail)?;
    Ok(Reply::raw_json(200, body).etag(tag))
}

/// Shows the record of a session.
///
/// To the candidate without anybody's notes; to who has the session or rates it with their own, and everybody's once
/// their card is submitted; to reviewers without a tie to the candidate with everybody's, once all cards are in. Notes and
/// links are deleted 180 days after the session. The service keeps no recording.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The record.", body = SessionRecord)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/assessments/{id}/record")]
async fn get_session_record(
    assessments: Data<Assessments>,
    caller: Auth<Reader>,
    id: Path<AssessmentId>,
) -> Outcome {
    let detail = assessments.ctx.db.tx(async |conn| assessments.record_in(conn, &caller, id.0).await).await?;
    Ok(reply(&detail)?)
}

/// Changes the record of a session.
///
/// A JSON Merge Patch by those of the staff who have the session: each their own notes, the lead the repository too, until
/// they have submitted their card.
#[utoipa::path(
    tag = "assessments",
    request_body(content = RecordContent, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The record.", body = SessionRecord)),
    extensions(("x-access" = json!("staff")), ("x-if-match" = json!(true)))
)]
#[patch("/v1/assessments/{id}/record")]
async fn update_session_record(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    body: MergePatchDocument,
) -> Outcome {
    let save = async |conn: &mut _| {
        let check = |now: &RecordDetail| seen.check_tag(&shown(now)?.1);
        assessments.update_record_in(conn, &caller, id.0, &body.0, check).await
    };
    Ok(reply(&assessments.ctx.db.tx(save).await?)?)
}
