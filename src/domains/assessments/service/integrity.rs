//! Integrity, apart from skill: a concern is raised by staff and decided by another; upheld, it voids the assessment.

use assay_kernel::ids::{ApplicationId, AssessmentId, IntegrityConcernId};
use assay_kernel::{Actor, Code, Error, Permission, Result, string_enum};
use assay_platform::db::Conn;
use assay_platform::{audit, timers};
use assay_vetting::{AdverseDecision, Evidence};
use serde_json::json;

use super::rating_access::RATING_TIMERS;
use super::{Assessments, notify};
use crate::model::{ASSESSMENT, AssessmentState, events};
use crate::store;
use crate::store::integrity::ConcernRow;

string_enum! {
    /// Where a concern stands.
    pub enum ConcernState {
        /// Waits for a reviewer.
        Open = "open",
        /// Nothing in it.
        Dismissed = "dismissed",
        /// It holds.
        Upheld = "upheld",
    }
}

impl Assessments {
    /// Raises a concern: a rater, a host, or a reviewer.
    pub async fn raise_concern_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        text: &str,
        evidence: &[Evidence],
    ) -> Result<ConcernRow> {
        let missing = || Error::not_found("assessment");
        let row = store::assessments::lock(conn, id).await?.ok_or_else(missing)?;
        let hosts = store::assessments::hosts(conn, id).await?;
        let caller = actor.account_id;
        let part = hosts.iter().any(|host| host.assessor_id == caller.uuid())
            || self.rates_in(conn, id, caller).await?
            || actor.is(Permission::Reviewer);
        if !part || caller == row.candidate() {
            return Err(missing());
        }
        use AssessmentState as S;
        if !matches!(row.state()?, S::InProgress | S::InReview | S::Agreed | S::Adjudication) {
            let detail = format!("A concern cannot be raised about an assessment that is `{}`.", row.state);
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        let concern = ConcernRow {
            id: self.ctx.ids.uuid(),
            assessment_id: row.id,
            raised_by_id: caller.uuid(),
            text: text.to_owned(),
            evidence: serde_json::to_value(evidence).map_err(Error::internal)?,
            state: ConcernState::Open.to_string(),
            decided_by_id: None,
            decided_at: None,
            reason: None,
            created_at: self.ctx.clock.now(),
        };
        store::integrity::insert(conn, &concern).await?;
        let data = json!({ "concern_id": IntegrityConcernId::from_uuid(concern.id) });
        notify::tell_reviewers(&self.ctx, conn, &row, "assessment.concern_raised", data, None).await?;
        Ok(concern)
    }

    /// The concerns of an assessment, for reviewers.
    pub async fn concerns(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
    ) -> Result<Vec<ConcernRow>> {
        let missing = || Error::not_found("assessment");
        let row = store::assessments::find(conn, id).await?.ok_or_else(missing)?;
        if actor.account_id == row.candidate() {
            return Err(missing());
        }
        self.require_no_open_card(conn, actor, &row).await?;
        Ok(store::integrity::of(conn, id).await?)
    }

    /// Decides a concern. Upheld with an adverse decision, the assessment is void and the application refused.
    pub async fn decide_concern_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: IntegrityConcernId,
        upheld: Option<&AdverseDecision>,
        reason: &str,
    ) -> Result<ConcernRow> {
        let missing = || Error::not_found("integrity concern");
        let assessment = store::integrity::find(conn, id).await?.ok_or_else(missing)?.assessment_id;
        let assessment = AssessmentId::from_uuid(assessment);
        let mut row = store::assessments::lock(conn, assessment).await?.ok_or_else(missing)?;
        let mut concern = store::integrity::lock(conn, id).await?.ok_or_else(missing)?;
        self.require_no_open_card(conn, actor, &row).await?;
        if concern.state != ConcernState::Open.as_str() {
            let detail = format!("The concern is {} already.", concern.state);
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        let facts = self.rating_facts(conn, actor, &row).await?;
        let tied = self.rating_blocked("no_conflict", &row, &facts, actor);
        if concern.raised_by_id == actor.account_id.uuid() || tied.is_some() {
            let detail =
                "Somebody decides who has no tie to the candidate, did not rate and did not raise it.";
            return Err(Error::new(Code::Forbidden, detail));
        }
        let now = self.ctx.clock.now();
        let state = if upheld.is_some() { ConcernState::Upheld } else { ConcernState::Dismissed };
        concern.state = state.to_string();
        concern.decided_by_id = Some(actor.account_id.uuid());
        concern.decided_at = Some(now);
        concern.reason = Some(reason.to_owned());
        store::integrity::update(conn, &concern).await?;
        if let Some(adverse) = upheld {
            let who = super::rating_access::who(actor, &row);
            let to = ASSESSMENT.transition(&row.state, events::VOID, &who)?.to;
            self.move_to(conn, &mut row, to).await?;
            store::cards::withdraw_open(conn, assessment, now).await?;
            self.tell_rated(conn, &row, super::scored::RatedStep::Voided).await?;
            timers::clear(conn, ASSESSMENT.name, row.id, RATING_TIMERS).await?;
            let application = ApplicationId::from_uuid(row.application_id);
            let by = actor.account_id;
            self.vetting
                .reject_integrity_by_assessment_in(conn, by, application, assessment, adverse)
                .await?;
        }
        let data = json!({ "concern_id": id, "state": state });
        notify::tell_reviewers(&self.ctx, conn, &row, "assessment.concern_decided", data, None).await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "assessment.decide_concern",
            subject: assessment.to_string(),
            reason: Some(reason),
            data: json!({ "account_id": row.candidate(), "concern_id": id, "state": state }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        Ok(concern)
    }
}
