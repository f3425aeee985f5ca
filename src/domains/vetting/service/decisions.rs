//! Decisions: stored, told, audited.

use assay_kernel::ids::{AccountId, ApplicationId, ApprovalId, AssessmentId, DecisionId};
use assay_kernel::{Actor, Error, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use chrono::Duration;
use serde_json::{Value, json};

use super::{Vetting, may_see, notify};
use crate::model::{AdverseDecision, ChangesRequest, DecisionKind};
use crate::store;
use crate::store::appeals::AppealRow;
use crate::store::decisions::DecisionRow;
use crate::{model::ReasonCode, policy};

/// A decision to be recorded.
pub(super) struct Verdict<'a> {
    pub kind: DecisionKind,
    pub reason_code: Option<ReasonCode>,
    pub reason: Option<&'a str>,
    pub notes: Value,
    pub evidence: Value,
    pub approval: Option<ApprovalId>,
    pub assessment: Option<AssessmentId>,
}

impl<'a> Verdict<'a> {
    /// One that takes nothing from the person.
    pub fn plain(kind: DecisionKind, reason: Option<&'a str>) -> Self {
        Self {
            kind,
            reason_code: None,
            reason,
            notes: json!([]),
            evidence: json!([]),
            approval: None,
            assessment: None,
        }
    }

    /// A request for changes.
    pub fn changes(request: &'a ChangesRequest) -> Result<Self> {
        let notes = serde_json::to_value(&request.notes).map_err(Error::internal)?;
        Ok(Self { notes, ..Self::plain(DecisionKind::ChangesRequested, Some(&request.reason)) })
    }

    /// One against the person.
    pub fn adverse(kind: DecisionKind, decision: &'a AdverseDecision) -> Result<Self> {
        let evidence = serde_json::to_value(&decision.evidence).map_err(Error::internal)?;
        let reason_code = Some(decision.reason_code);
        Ok(Self { reason_code, evidence, ..Self::plain(kind, Some(&decision.reason)) })
    }
}

impl Vetting {
    /// Records a decision of `by` about a person: the row, the event, the mail, the audit entry. Call it last: the
    /// audit log serialises.
    pub(super) async fn decide(
        &self,
        conn: &mut Conn,
        by: AccountId,
        account: AccountId,
        application: ApplicationId,
        verdict: Verdict<'_>,
    ) -> Result<DecisionRow> {
        policy::require_another(by, account)?;
        let now = self.ctx.clock.now();
        let appeal_days = Duration::days(self.ctx.policy.vetting.appeal_days);
        let row = DecisionRow {
            id: self.ctx.ids.uuid(),
            account_id: account.uuid(),
            application_id: application.uuid(),
            approval_id: verdict.approval.map(|id| id.uuid()),
            kind: verdict.kind.to_string(),
            reason_code: verdict.reason_code.map(|code| code.to_string()),
            reason: verdict.reason.map(str::to_owned),
            notes: verdict.notes,
            evidence: verdict.evidence,
            decided_by_id: by.uuid(),
            decided_at: now,
            appeal_until: verdict.kind.is_adverse().then(|| now + appeal_days),
            overturned_at: None,
            by_assessment_id: verdict.assessment.map(|id| id.uuid()),
        };
        store::decisions::insert(conn, &row).await?;
        notify::decision(&self.ctx, conn, &row).await?;
        let entry = audit::Entry {
            actor: Some(by),
            action: &format!("vetting.{}", row.kind),
            subject: application.to_string(),
            reason: row.reason.as_deref(),
            data: json!({ "decision_id": DecisionId::from_uuid(row.id), "account_id": account,
                "reason_code": row.reason_code }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        Ok(row)
    }

    /// The decisions on an application, newest first, each with its appeal.
    pub async fn history(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
    ) -> Result<Vec<(DecisionRow, Option<AppealRow>)>> {
        let row = store::applications::find(conn, id).await?;
        row.filter(|row| may_see(actor, row)).ok_or_else(|| Error::not_found("application"))?;
        let mut appeals = store::appeals::of_application(conn, id).await?;
        let decisions = store::decisions::of_application(conn, id).await?;
        Ok(decisions
            .into_iter()
            .map(|decision| {
                let place = appeals.iter().position(|appeal| appeal.decision_id == decision.id);
                (decision, place.map(|place| appeals.swap_remove(place)))
            })
            .collect())
    }

    /// A decision that the caller may see, with its appeal.
    pub async fn decision(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: DecisionId,
    ) -> Result<(DecisionRow, Option<AppealRow>)> {
        let about = (!policy::screens(actor)).then_some(actor.account_id);
        let row =
            store::decisions::find(conn, id, about).await?.ok_or_else(|| Error::not_found("decision"))?;
        let appeal = store::appeals::against(conn, row.id).await?;
        Ok((row, appeal))
    }
}
