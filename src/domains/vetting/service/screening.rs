//! The reviewers' side: the queue, claims, decisions.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::ApplicationId;
use assay_kernel::{Actor, Error, Result};
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::decisions::Verdict;
use super::{Detail, Vetting, notify};
use crate::model::{AdverseDecision, ChangesRequest, DecisionKind, events};
use crate::store;
use crate::store::applications::{ApplicationRow, Filter};

impl Vetting {
    /// Applications that wait for screening or are in it, most urgent first.
    pub async fn queue(
        &self,
        conn: &mut Conn,
        filter: &Filter,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<ApplicationRow>> {
        Ok(store::applications::queue(conn, filter, after, limit).await?)
    }

    /// Takes an application to read, for a time.
    pub async fn claim_in(&self, conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, None, events::CLAIM).await?;
        row.reviewer_id = Some(actor.account_id.uuid());
        let holds = Duration::hours(self.ctx.policy.vetting.claim_hours);
        row.claimed_until = Some(self.ctx.clock.now() + holds);
        self.save(conn, &mut row).await?;
        notify::application(&self.ctx, conn, &row, "application.claimed", json!({})).await?;
        self.shown(conn, row, actor).await
    }

    /// Gives a claimed application back to the queue.
    pub async fn release_in(&self, conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, None, events::RELEASE).await?;
        self.save(conn, &mut row).await?;
        notify::application(&self.ctx, conn, &row, "application.released", json!({})).await?;
        self.shown(conn, row, actor).await
    }

    /// Asks the developer for changes.
    pub async fn request_changes_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
        request: &ChangesRequest,
    ) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, Some(seen), events::REQUEST_CHANGES).await?;
        let content = row.content()?;
        let mut errors = FieldErrors::new();
        for (index, note) in request.notes.iter().enumerate() {
            let pointer = format!("/notes/{index}/pointer");
            let known = content.has(&note.pointer)?;
            errors.check(known, &pointer, "unknown_value", "does not point into the application");
        }
        errors.finish()?;
        row.expires_at = Some(self.ctx.clock.now() + Duration::days(self.ctx.policy.vetting.changes_days));
        self.settle(conn, actor, row, Verdict::changes(request)?).await
    }

    /// Ends the screening well.
    pub async fn pass_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
    ) -> Result<Detail> {
        let row = self.begin(conn, actor, id, Some(seen), events::PASS).await?;
        self.settle(conn, actor, row, Verdict::plain(DecisionKind::Passed, None)).await
    }

    /// Confirms the evidence for the fast lane.
    pub async fn confirm_fast_lane_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, Some(seen), events::CONFIRM_FAST_LANE).await?;
        row.fast_lane_at = Some(self.ctx.clock.now());
        let verdict = Verdict::plain(DecisionKind::FastLaneConfirmed, Some(reason));
        self.settle(conn, actor, row, verdict).await
    }

    /// Declines an application for now.
    pub async fn decline_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
        adverse: &AdverseDecision,
    ) -> Result<Detail> {
        if adverse.reason_code.is_integrity() {
            let detail = "is about integrity: use `reject_integrity`";
            return Err(Error::invalid_field("/reason_code", "inconsistent", detail));
        }
        let row = self.begin(conn, actor, id, Some(seen), events::DECLINE).await?;
        self.settle(conn, actor, row, Verdict::adverse(DecisionKind::NotReady, adverse)?).await
    }

    /// Refuses an application for want of integrity.
    pub async fn reject_integrity_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
        adverse: &AdverseDecision,
    ) -> Result<Detail> {
        if !adverse.reason_code.is_integrity() {
            let detail = "is not about integrity: use `decline`";
            return Err(Error::invalid_field("/reason_code", "inconsistent", detail));
        }
        let row = self.begin(conn, actor, id, Some(seen), events::REJECT_INTEGRITY).await?;
        self.settle(conn, actor, row, Verdict::adverse(DecisionKind::RejectedIntegrity, adverse)?).await
    }

    /// Approves without an assessment, by the word of an admin.
    pub async fn override_approval_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<Detail> {
        let row = self.begin(conn, actor, id, Some(seen), events::OVERRIDE_APPROVAL).await?;
        let approval = self.approve_in(conn, actor.account_id, &row, reason).await?;
        let verdict =
            Verdict { approval: Some(approval.id), ..Verdict::plain(DecisionKind::Approved, Some(reason)) };
        self.settle(conn, actor, row, verdict).await
    }

    /// Writes the application in the state to which a decision leads, and the decision.
    async fn settle(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        mut row: ApplicationRow,
        verdict: Verdict<'_>,
    ) -> Result<Detail> {
        self.save(conn, &mut row).await?;
        self.decide(conn, actor.account_id, row.account(), row.application_id(), verdict).await?;
        self.shown(conn, row, actor).await
    }
}
