//! What assessments do to applications: the only road to `approved` besides an admin's override.

use assay_kernel::ids::{AccountId, ApplicationId, AssessmentId};
use assay_kernel::process::Who;
use assay_kernel::text::Text;
use assay_kernel::{Code, Error, Permission, Result};
use assay_platform::db::Conn;
use serde_json::json;

use super::decisions::Verdict;
use super::{Vetting, notify};
use crate::model::{
    APPLICATION, AdverseDecision, ApplicationState, DecisionKind, Evidence, ReasonCode, events,
};
use crate::store;
use crate::store::applications::ApplicationRow;

/// What the decision says whose grounds are the assessment's feedback.
const FELL_SHORT: &str = "The assessment did not reach the pass line. Its feedback says, criterion by criterion, what was seen and what comes next.";
const PASSED: &str = "The assessment reached the pass line.";
const RAISED: &str = "An appeal raised the outcome of the assessment.";

impl Vetting {
    /// Locks an application and moves it (in memory) by an event of the system; none when it stands elsewhere: it was
    /// withdrawn meanwhile, or an admin has approved it.
    async fn stepped(
        &self,
        conn: &mut Conn,
        id: ApplicationId,
        event: &str,
    ) -> Result<Option<ApplicationRow>> {
        let row = store::applications::lock(conn, id).await?;
        let mut row = row.ok_or_else(|| Error::not_found("application"))?;
        let Ok(transition) = APPLICATION.transition(&row.state, event, &[Who::System]) else {
            return Ok(None);
        };
        row.state = transition.to.to_owned();
        Ok(Some(row))
    }

    /// The assessment is finalized; its outcome follows. Tells whether the application was waiting for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn assessed_in(&self, conn: &mut Conn, id: ApplicationId) -> Result<bool> {
        let Some(mut row) = self.stepped(conn, id, events::ASSESS).await? else { return Ok(false) };
        self.save(conn, &mut row).await?;
        notify::application(&self.ctx, conn, &row, "application.assessed", json!({})).await?;
        Ok(true)
    }

    /// Approves an assessed application by the decision of `by`. Tells whether it was waiting for it.
    ///
    /// # Errors
    /// When `by` is the applicant.
    pub async fn approve_by_assessment_in(
        &self,
        conn: &mut Conn,
        by: AccountId,
        id: ApplicationId,
        assessment: AssessmentId,
    ) -> Result<bool> {
        let Some(row) = self.stepped(conn, id, events::APPROVE).await? else { return Ok(false) };
        self.grant(conn, by, row, assessment, PASSED).await?;
        Ok(true)
    }

    async fn grant(
        &self,
        conn: &mut Conn,
        by: AccountId,
        mut row: ApplicationRow,
        assessment: AssessmentId,
        reason: &str,
    ) -> Result<()> {
        let approval = self.approve_in(conn, by, &row, reason).await?;
        self.save(conn, &mut row).await?;
        let verdict = Verdict {
            approval: Some(approval.id),
            assessment: Some(assessment),
            ..Verdict::plain(DecisionKind::Approved, Some(reason))
        };
        self.decide(conn, by, row.account(), row.application_id(), verdict).await?;
        Ok(())
    }

    /// Declines an assessed application by the decision of `by`. Tells whether it was waiting for it.
    ///
    /// # Errors
    /// When `by` is the applicant.
    pub async fn fall_short_in(
        &self,
        conn: &mut Conn,
        by: AccountId,
        id: ApplicationId,
        assessment: AssessmentId,
    ) -> Result<bool> {
        let Some(mut row) = self.stepped(conn, id, events::FALL_SHORT).await? else { return Ok(false) };
        self.save(conn, &mut row).await?;
        let adverse = AdverseDecision {
            reason_code: ReasonCode::BelowBar,
            reason: Text::new(FELL_SHORT),
            evidence: vec![Evidence {
                source: assessment.to_string(),
                finding: Text::new("The outcome of the assessment."),
            }],
        };
        let verdict =
            Verdict { assessment: Some(assessment), ..Verdict::adverse(DecisionKind::NotReady, &adverse)? };
        self.decide(conn, by, row.account(), id, verdict).await?;
        Ok(true)
    }

    /// Approves a declined application, since an appeal raised the outcome of its assessment. The decline falls.
    ///
    /// # Errors
    /// When `by` is the applicant.
    pub async fn raise_by_assessment_in(
        &self,
        conn: &mut Conn,
        by: AccountId,
        id: ApplicationId,
        assessment: AssessmentId,
    ) -> Result<bool> {
        let Some(row) = self.stepped(conn, id, events::RAISE).await? else { return Ok(false) };
        self.overturn_of(conn, assessment).await?;
        self.grant(conn, by, row, assessment, RAISED).await?;
        Ok(true)
    }

    async fn overturn_of(&self, conn: &mut Conn, assessment: AssessmentId) -> Result<()> {
        let now = self.ctx.clock.now();
        if let Some(decision) = store::decisions::standing_by_assessment(conn, assessment.uuid()).await? {
            store::decisions::overturn(conn, decision.id, now).await?;
        }
        Ok(())
    }

    /// Lets an application wait for another assessment, since a redo of this one was granted. A decline falls: the
    /// decision after the redo takes its place.
    ///
    /// # Errors
    /// `state_conflict` when it can have no other assessment; `already_exists` when the person has applied anew.
    pub async fn reassess_in(
        &self,
        conn: &mut Conn,
        id: ApplicationId,
        assessment: AssessmentId,
    ) -> Result<()> {
        let missing = || Error::not_found("application");
        // The person first: they may be about to begin another application.
        let account = store::applications::find(conn, id).await?.ok_or_else(missing)?.account();
        store::people::lock(conn, account).await?;
        let mut row = store::applications::lock(conn, id).await?.ok_or_else(missing)?;
        if row.state()? == ApplicationState::AssessmentReady {
            return Ok(());
        }
        let live = store::applications::live(conn, row.account()).await?;
        if live.is_some_and(|live| live != row.id) {
            let detail = "The developer has another application under way.";
            return Err(Error::new(Code::AlreadyExists, detail));
        }
        row.state = APPLICATION.transition(&row.state, events::REASSESS, &[Who::System])?.to.to_owned();
        self.overturn_of(conn, assessment).await?;
        self.save(conn, &mut row).await?;
        notify::application(&self.ctx, conn, &row, "application.reassessed", json!({})).await
    }

    /// Refuses an application for want of integrity that an assessment brought to light: a decision that is appealed
    /// like any other of vetting.
    ///
    /// # Errors
    /// `state_conflict` when the application cannot be refused any more.
    pub async fn reject_integrity_by_assessment_in(
        &self,
        conn: &mut Conn,
        by: AccountId,
        id: ApplicationId,
        assessment: AssessmentId,
        adverse: &AdverseDecision,
    ) -> Result<()> {
        let row = store::applications::lock(conn, id).await?;
        let mut row = row.ok_or_else(|| Error::not_found("application"))?;
        let reviewer = [Who::Staff(Permission::Reviewer)];
        let transition = APPLICATION.transition(&row.state, events::REJECT_INTEGRITY, &reviewer)?;
        row.state = transition.to.to_owned();
        self.save(conn, &mut row).await?;
        let verdict = Verdict {
            assessment: Some(assessment),
            ..Verdict::adverse(DecisionKind::RejectedIntegrity, adverse)?
        };
        self.decide(conn, by, row.account(), id, verdict).await?;
        Ok(())
    }
}
