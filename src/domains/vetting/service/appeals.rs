//! Appeals: filed in time, claimed and answered by a reviewer who did not make the decision.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AppealId, ApplicationId, ApprovalId, AssessmentId, DecisionId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use assay_platform::timers;
use assay_platform::web::IfMatch;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{Vetting, notify};
use crate::model::{APPEAL, APPLICATION, AppealOutcome, DecisionKind, appeal_events, events};
use crate::store::appeals::{AppealRow, ONCE};
use crate::store::decisions::DecisionRow;
use crate::{policy, store};

/// An appeal as a caller may see it.
#[derive(Debug)]
pub struct AppealDetail {
    /// The row.
    pub row: AppealRow,
    /// What it is against.
    pub decision: DecisionRow,
    /// Does the caller see what only staff see?
    pub for_staff: bool,
    /// Is the answer late?
    pub overdue: bool,
    /// What the caller can do.
    pub actions: Actions,
}

/// Why a guard of the table blocks this caller now.
fn blocked(guard: &str, row: &AppealRow, caller: Uuid) -> Option<String> {
    let detail = match guard {
        "another_decided" if caller == row.against_id || caller == row.account_id => {
            "Somebody who has no part in the case decides it."
        }
        "claimed_by_caller" if row.decided_by_id != Some(caller) => {
            "Another reviewer has claimed this appeal."
        }
        _ => return None,
    };
    Some(detail.to_owned())
}

/// What an assessment decided is appealed there, where somebody rates it anew: one road for one thing.
fn refuse_of_assessment(decision: &DecisionRow) -> Result<()> {
    let Some(assessment) = decision.by_assessment_id else { return Ok(()) };
    if decision.kind()? != DecisionKind::NotReady {
        return Ok(());
    }
    let road = format!("/v1/assessments/{}/appeal", AssessmentId::from_uuid(assessment));
    let detail = format!("This decision is the outcome of an assessment: appeal with POST {road}.");
    let why =
        WhyNot { action: "appeal".to_owned(), code: "appealed_elsewhere".to_owned(), detail: detail.clone() };
    Err(Error::new(Code::GuardFailed, detail).with_why_not(vec![why]))
}

impl Vetting {
    /// Puts together what a caller may see and do.
    pub fn appeal_detail(&self, actor: &Actor, row: AppealRow, decision: DecisionRow) -> AppealDetail {
        let account = AccountId::from_uuid(row.account_id);
        let caller = actor.account_id.uuid();
        let who = policy::who(actor, account);
        let actions = APPEAL.actions(&row.state, &who, |_, guard| blocked(guard, &row, caller));
        AppealDetail {
            overdue: row.decided_at.is_none() && row.due_at <= self.ctx.clock.now(),
            for_staff: actor.account_id != account,
            row,
            decision,
            actions,
        }
    }

    /// The person concerned appeals against a decision; once, and in time.
    pub async fn appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: DecisionId,
        text: &str,
    ) -> Result<AppealDetail> {
        let about = Some(actor.account_id);
        let decision =
            store::decisions::find(conn, id, about).await?.ok_or_else(|| Error::not_found("decision"))?;
        let Some(until) = decision.appeal_until else {
            return Err(Error::new(Code::StateConflict, "This decision takes nothing from you.")
                .with_allowed_actions(Vec::new()));
        };
        refuse_of_assessment(&decision)?;
        let now = self.ctx.clock.now();
        if now > until {
            let date = until.to_rfc3339_opts(SecondsFormat::Secs, true);
            return Err(Error::new(Code::LimitReached, format!("It could be appealed until {date}.")));
        }
        let row = AppealRow {
            id: self.ctx.ids.uuid(),
            decision_id: decision.id,
            against_id: decision.decided_by_id,
            account_id: decision.account_id,
            text: text.to_owned(),
            state: APPEAL.initial.to_owned(),
            due_at: now + Duration::days(self.ctx.policy.vetting.appeal_answer_days),
            decided_by_id: None,
            decided_at: None,
            answer: None,
            version: 1,
            created_at: now,
        };
        store::appeals::insert(conn, &row).await.map_err(|error| {
            if error.violates(ONCE) {
                return Error::new(Code::AlreadyExists, "There is an appeal against this decision already.");
            }
            error.into()
        })?;
        timers::set(&self.ctx, conn, APPEAL.name, row.id, appeal_events::OVERDUE, row.due_at).await?;
        notify::appeal(&self.ctx, conn, &row, "appeal.opened").await?;
        Ok(self.appeal_detail(actor, row, decision))
    }

    /// An appeal that the caller may see.
    pub async fn appeal(&self, conn: &mut Conn, actor: &Actor, id: AppealId) -> Result<AppealDetail> {
        let of = (!policy::screens(actor)).then_some(actor.account_id);
        let (row, decision) =
            store::appeals::find(conn, id, of).await?.ok_or_else(|| Error::not_found("appeal"))?;
        Ok(self.appeal_detail(actor, row, decision))
    }

    /// Appeals that wait for an answer, most urgent first.
    pub async fn waiting_appeals(
        &self,
        conn: &mut Conn,
        state: Option<&str>,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<(AppealRow, DecisionRow)>> {
        Ok(store::appeals::waiting(conn, state, after, limit).await?)
    }

    /// Begins an act of a reviewer. The person is locked before their application, and that before the appeal.
    async fn begin_appeal(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AppealId,
        seen: Option<&IfMatch>,
        event: &str,
    ) -> Result<(AppealRow, DecisionRow)> {
        let missing = || Error::not_found("appeal");
        let (_, decision) = store::appeals::find(conn, id, None).await?.ok_or_else(missing)?;
        let account = AccountId::from_uuid(decision.account_id);
        store::people::lock(conn, account).await?;
        store::applications::lock(conn, ApplicationId::from_uuid(decision.application_id)).await?;
        let mut row = store::appeals::lock(conn, id).await?.ok_or_else(missing)?;
        let transition = APPEAL.transition(&row.state, event, &policy::who(actor, account))?;
        if let Some(seen) = seen {
            seen.check(row.version)?;
        }
        APPEAL.check(transition, |guard| blocked(guard, &row, actor.account_id.uuid()))?;
        row.state = transition.to.to_owned();
        row.version = row.version.saturating_add(1);
        Ok((row, decision))
    }

    /// Takes an appeal to read.
    pub async fn claim_appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AppealId,
    ) -> Result<AppealDetail> {
        let (mut row, decision) = self.begin_appeal(conn, actor, id, None, appeal_events::CLAIM).await?;
        row.decided_by_id = Some(actor.account_id.uuid());
        store::appeals::update(conn, &row).await?;
        Ok(self.appeal_detail(actor, row, decision))
    }

    /// Gives a claimed appeal back.
    pub async fn release_appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AppealId,
    ) -> Result<AppealDetail> {
        let (mut row, decision) = self.begin_appeal(conn, actor, id, None, appeal_events::RELEASE).await?;
        row.decided_by_id = None;
        store::appeals::update(conn, &row).await?;
        Ok(self.appeal_detail(actor, row, decision))
    }

    /// Answers a claimed appeal. What an overturned decision did is undone.
    pub async fn decide_appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AppealId,
        seen: &IfMatch,
        outcome: AppealOutcome,
        answer: &str,
    ) -> Result<AppealDetail> {
        let now = self.ctx.clock.now();
        let (mut row, decision) = self.begin_appeal(conn, actor, id, Some(seen), outcome.as_str()).await?;
        row.decided_at = Some(now);
        row.answer = Some(answer.to_owned());
        store::appeals::update(conn, &row).await?;
        timers::clear(conn, APPEAL.name, row.id, &[]).await?;
        if outcome == AppealOutcome::Overturn {
            store::decisions::overturn(conn, decision.id, now).await?;
            self.undo(conn, &decision).await?;
        }
        notify::appeal(&self.ctx, conn, &row, "appeal.decided").await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "appeal.decide",
            subject: id.to_string(),
            reason: Some(answer),
            data: json!({ "outcome": outcome, "decision_id": DecisionId::from_uuid(decision.id),
                "account_id": AccountId::from_uuid(row.account_id) }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        Ok(self.appeal_detail(actor, row, decision))
    }

    /// A declined application goes back to the queue, unless the person has a newer one; a revoked approval holds again.
    async fn undo(&self, conn: &mut Conn, decision: &DecisionRow) -> Result<()> {
        if decision.kind()? == DecisionKind::ApprovalRevoked {
            let approval = decision.approval_id.map(ApprovalId::from_uuid);
            let approval = approval.ok_or_else(|| Error::internal("a revocation names no approval"))?;
            return self.reinstate_in(conn, approval).await;
        }
        let account = AccountId::from_uuid(decision.account_id);
        if store::applications::live(conn, account).await?.is_some() {
            return Ok(());
        }
        let application = ApplicationId::from_uuid(decision.application_id);
        let Some(mut row) = store::applications::lock(conn, application).await? else { return Ok(()) };
        row.state = APPLICATION.transition(&row.state, events::REOPEN, &[Who::System])?.to.to_owned();
        self.enter_queue(conn, &mut row).await?;
        notify::submitted(&self.ctx, conn, &row, "application.reopened").await
    }
}
