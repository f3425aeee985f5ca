//! Requesting an assessment, and lists of them.

use assay_kernel::ids::{AccountId, ApplicationId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::actions::Detail;
use super::{Assessments, notify};
use crate::model::request::{Earlier, Terms, terms};
use crate::model::rubric::Rubric;
use crate::model::{ASSESSMENT, AssessmentState, RedoReason};
use crate::store::assessments::{AssessmentRow, Filter, ONE_LIVE};
use crate::{policy, store};

/// What an assessment is opened with.
#[derive(Debug)]
pub struct Opening {
    /// The application.
    pub application: ApplicationId,
    /// The candidate.
    pub candidate: AccountId,
    /// The track.
    pub track: String,
    /// The candidate's zone.
    pub zone: String,
    /// The assessment that it follows, and why.
    pub redo: Option<(Uuid, RedoReason)>,
    /// No start before it.
    pub bookable_from: Option<DateTime<Utc>>,
    /// Does it come before others?
    pub priority: bool,
}

fn earlier(rows: &[AssessmentRow]) -> Result<Vec<Earlier>> {
    rows.iter().map(|row| Ok(Earlier { state: row.state()?, starts_at: row.starts_at })).collect()
}

impl Assessments {
    /// The terms on which an application's next assessment may be requested.
    pub(crate) async fn terms(
        &self,
        conn: &mut Conn,
        application: Uuid,
        track: &str,
    ) -> Result<(Vec<AssessmentRow>, Option<Terms>)> {
        let rows = store::assessments::of_application(conn, application).await?;
        let terms = terms(&earlier(&rows)?, self.ctx.policy.assessments.of(track));
        Ok((rows, terms))
    }

    /// A developer whose application is ready asks for an assessment.
    pub async fn request_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        application: ApplicationId,
        track: &str,
        zone: &str,
    ) -> Result<Detail> {
        let zone = super::zone(zone, "/zone")?.name().to_owned();
        let found = store::people::application(conn, application, actor.account_id).await?;
        let (state, tracks) = found.ok_or_else(|| Error::not_found("application"))?;
        if !tracks.iter().any(|known| known == track) {
            let detail = format!("must be a track of the application: {}", tracks.join(", "));
            return Err(Error::invalid_field("/track", "unknown_value", detail));
        }
        if state != "assessment_ready" {
            let detail = format!("An application that is `{state}` is not ready for an assessment.");
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        let (rows, terms) = self.terms(conn, application.uuid(), track).await?;
        let live = || Error::new(Code::AlreadyExists, "The application has an assessment already.");
        let Some(terms) = terms else { return Err(live()) };
        let redo = rows.first().zip(terms.redo).map(|(last, reason)| (last.id, reason));
        let opening = Opening {
            application,
            candidate: actor.account_id,
            track: track.to_owned(),
            zone,
            redo,
            bookable_from: terms.bookable_from,
            priority: terms.priority,
        };
        let row = self.open_in(conn, opening).await?;
        self.detail(conn, actor, row).await
    }

    /// Opens an assessment: with a task that the candidate has not had, and the numbers of today.
    pub(crate) async fn open_in(&self, conn: &mut Conn, opening: Opening) -> Result<AssessmentRow> {
        let now = self.ctx.clock.now();
        let had = store::assessments::of_candidate(conn, opening.candidate).await?;
        let used: Vec<&str> = had.iter().map(|row| row.task_family.as_str()).collect();
        let task = self.tasks.choose(&opening.track, opening.application.uuid(), &used);
        let task = task.ok_or_else(|| Error::internal(format!("no task for the track {}", opening.track)))?;
        let numbers = self.ctx.policy.assessments.of(&opening.track);
        let row = AssessmentRow {
            id: self.ctx.ids.uuid(),
            application_id: opening.application.uuid(),
            candidate_id: opening.candidate.uuid(),
            track: opening.track,
            state: ASSESSMENT.initial.to_owned(),
            zone: opening.zone,
            starts_at: None,
            ends_at: None,
            reschedules: 0,
            ics_sequence: 0,
            task_family: task.slug.clone(),
            task_version: task.version.clone(),
            ai_policy: self.tasks.ai_policy(task).to_owned(),
            rubric_version: Rubric::shipped()?.version.clone(),
            policy: serde_json::to_value(numbers).map_err(Error::internal)?,
            policy_version: self.ctx.policy.version.clone(),
            redo_of_id: opening.redo.map(|(id, _)| id),
            redo_reason: opening.redo.map(|(_, reason)| reason.to_string()),
            priority: opening.priority,
            bookable_from: opening.bookable_from.map_or(now, |from| from.max(now)),
            waiting_since: None,
            candidate_checked_in_at: None,
            started_at: None,
            ended_at: None,
            video_url: None,
            repository_url: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        store::assessments::insert(conn, &row).await.map_err(|error| {
            if error.violates(ONE_LIVE) {
                return Error::new(Code::AlreadyExists, "The application has an assessment already.");
            }
            error.into()
        })?;
        notify::assessment(&self.ctx, conn, &row, "assessment.requested", &[]).await?;
        Ok(row)
    }

    /// Opens the assessment that follows one which is over, on the same track and at once; with priority after an
    /// assessor's no-show.
    pub(super) async fn follow_in(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        reason: RedoReason,
    ) -> Result<AssessmentRow> {
        let opening = Opening {
            application: ApplicationId::from_uuid(row.application_id),
            candidate: row.candidate(),
            track: row.track.clone(),
            zone: row.zone.clone(),
            redo: Some((row.id, reason)),
            bookable_from: None,
            priority: reason == RedoReason::AssessorNoShow,
        };
        self.open_in(conn, opening).await
    }

    /// Assessments that the caller may see: one's own, those that one hosts, all for reviewers and admins.
    pub async fn list(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        (mine, state, track): (bool, Option<AssessmentState>, Option<&str>),
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<AssessmentRow>> {
        let filter = Filter {
            of: (mine || !policy::oversees(actor)).then_some(actor.account_id),
            hosted: !mine && policy::is_staff(actor, assay_kernel::Permission::Assessor),
            state: state.map(AssessmentState::as_str),
            track,
        };
        Ok(store::assessments::list(conn, &filter, before, limit).await?)
    }
}
