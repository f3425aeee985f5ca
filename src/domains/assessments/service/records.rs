//! The record of a session: what was asked, where it took place, what those of the staff who had it wrote down.
//!
//! Notes are as blind as cards: somebody who rates sees their own until their card is in, and nothing that they are
//! shown, its entity tag included, depends on another's.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::AssessmentId;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_platform::db::Conn;
use assay_platform::input;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

use super::Assessments;
use crate::model::rating::CardState;
use crate::model::{AssessmentState, HostRole};
use crate::policy::is_staff;
use crate::store;
use crate::store::assessments::{AssessmentRow, HostRow};
use crate::store::records::NotesRow;

/// What the staff of a session change in its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordContent {
    /// The caller's own notes.
    #[serde(default)]
    #[validate(length(max = 20_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 20000, example = "10:12 asks for the failing test first.")]
    pub notes: Option<Text>,
    /// The repository of the session: an https URL. Its lead names it.
    #[serde(default)]
    #[validate(custom(function = "text::https_url"))]
    #[schema(max_length = 2000, example = "https://git.example/sessions/4711")]
    pub repository_url: Option<String>,
}

/// A record as its reader may see it.
#[derive(Debug)]
pub struct RecordDetail {
    /// The assessment.
    pub row: AssessmentRow,
    /// The caller's own notes.
    pub own_notes: Option<String>,
    /// Everybody's; none while they are not for the caller.
    pub notes: Option<Vec<NotesRow>>,
}

impl Assessments {
    /// The record, for the candidate, those who have the session or rate it, and reviewers.
    pub async fn record_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<RecordDetail> {
        let missing = || Error::not_found("assessment");
        let row = store::assessments::find(conn, id).await?.ok_or_else(missing)?;
        let me = actor.account_id;
        if me == row.candidate() {
            return Ok(RecordDetail { row, own_notes: None, notes: None });
        }
        if is_staff(actor, Permission::Assessor) {
            let hosts = store::assessments::hosts(conn, id).await?;
            if hosts.iter().any(|host| host.assessor_id == me.uuid()) || self.rates_in(conn, id, me).await? {
                let state = store::cards::own(conn, id, me, false).await?.map(|card| card.state);
                return self.record_of_rater(conn, actor, row, state.as_deref()).await;
            }
            if let Some(state) = store::anchor_cards::state_of(conn, id, me).await? {
                return self.record_of_rater(conn, actor, row, Some(&state)).await;
            }
        }
        if is_staff(actor, Permission::Reviewer) {
            return self.record_of_reviewer(conn, actor, row).await;
        }
        Err(missing())
    }

    /// Their own notes; everybody's once their card (an anchor card is one) is in, and no other of the application waits
    /// for them.
    async fn record_of_rater(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: AssessmentRow,
        card: Option<&str>,
    ) -> Result<RecordDetail> {
        let (id, me) = (row.assessment_id(), actor.account_id);
        let is_in = card == Some(CardState::Submitted.as_str());
        let sees_all = is_in && !store::cards::has_open(conn, row.application_id, me).await?;
        let own_notes = store::records::own(conn, id, me).await?.map(|notes| notes.text);
        let notes = if sees_all { Some(store::records::of(conn, id).await?) } else { None };
        Ok(RecordDetail { row, own_notes, notes })
    }

    /// Everybody's notes once the cards are in. Whoever is shown them is noted: they rate the candidate no more.
    async fn record_of_reviewer(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: AssessmentRow,
    ) -> Result<RecordDetail> {
        self.require_no_open_card(conn, actor, &row).await?;
        let id = row.assessment_id();
        let me = actor.account_id;
        if !self.conflicts(conn, row.candidate(), &[me.uuid()]).await?.is_empty() {
            let detail = "Somebody reads the record who has no tie to the candidate.";
            return Err(Error::new(Code::Forbidden, detail));
        }
        let facts = self.rating_facts(conn, actor, &row).await?;
        if !facts.rated_out(row.state()?) {
            return Ok(RecordDetail { row, own_notes: None, notes: None });
        }
        store::cards::read_by(conn, id, me, self.ctx.clock.now()).await?;
        let notes = Some(store::records::of(conn, id).await?);
        Ok(RecordDetail { row, own_notes: None, notes })
    }

    /// Changes the caller's notes, and the repository where the caller leads the session. `seen` looks at the record as
    /// it is now.
    pub async fn update_record_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        patch: &Map<String, Value>,
        seen: impl FnOnce(&RecordDetail) -> Result<()>,
    ) -> Result<RecordDetail> {
        let missing = || Error::not_found("assessment");
        let mut row = store::assessments::lock(conn, id).await?.ok_or_else(missing)?;
        let hosts = store::assessments::hosts(conn, id).await?;
        let seat =
            hosts.iter().find(|host| host.assessor_id == actor.account_id.uuid()).ok_or_else(missing)?;
        actor.require(Permission::Assessor)?;
        self.require_open_record(conn, actor, &row).await?;
        let before = self.record_in(conn, actor, id).await?;
        seen(&before)?;
        let content = RecordContent {
            notes: before.own_notes.as_deref().map(Text::new),
            repository_url: row.repository_url.clone(),
        };
        let changed: RecordContent = input::merge(&content, patch)?;
        if changed.repository_url != content.repository_url {
            check_leads(seat)?;
            row.repository_url = changed.repository_url;
            self.save(conn, &mut row).await?;
        }
        if changed.notes != content.notes {
            self.write_notes(conn, actor, id, changed.notes.unwrap_or_default()).await?;
        }
        self.record_in(conn, actor, id).await
    }

    /// The record is written until its writer has rated, and no longer than the rating is under way.
    async fn require_open_record(&self, conn: &mut Conn, actor: &Actor, row: &AssessmentRow) -> Result<()> {
        use AssessmentState as S;
        let card = store::cards::own(conn, row.assessment_id(), actor.account_id, true).await?;
        let is_open = matches!(row.state()?, S::Booked | S::CheckedIn | S::InProgress | S::InReview)
            && card.is_none_or(|card| card.is_open());
        if is_open {
            return Ok(());
        }
        let detail = "The record is closed for you: you have rated, or there is nothing to rate.";
        Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()))
    }

    async fn write_notes(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId, text: Text) -> Result<()> {
        let before = store::records::own(conn, id, actor.account_id).await?;
        let row = NotesRow {
            assessment_id: id.uuid(),
            author_id: actor.account_id.uuid(),
            text: text.into_string(),
            version: before.map_or(1, |before| before.version.saturating_add(1)),
            updated_at: self.ctx.clock.now(),
        };
        Ok(store::records::write(conn, &row).await?)
    }
}

fn check_leads(seat: &HostRow) -> Result<()> {
    let mut errors = FieldErrors::new();
    let leads = seat.role == HostRole::Lead.as_str();
    errors.check(leads, "/repository_url", "not_allowed", "is named by the lead of the session");
    errors.finish()
}
