//! Approvals: made by an application, renewed, taken back, ended by their term.

use assay_kernel::ids::{AccountId, ApprovalId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use assay_platform::{Ctx, timers};
use chrono::Duration;
use serde_json::json;

use super::decisions::Verdict;
use super::{Vetting, notify};
use crate::model::{
    APPROVAL, AdverseDecision, Approval, ApprovalState, DecisionKind, EXPIRE, NOTICE, REINSTATE, RENEW,
    REVOKE, Revocation,
};
use crate::store::applications::ApplicationRow;
use crate::{policy, store};

/// Does an approval of the person hold now?
///
/// # Errors
/// When the database fails.
pub async fn is_approved(ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<bool> {
    Ok(store::approvals::holds(conn, account, ctx.clock.now()).await?)
}

/// The person's approval that holds now.
///
/// # Errors
/// When the database fails.
pub async fn approval_of(ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<Option<Approval>> {
    store::approvals::holding(conn, account, ctx.clock.now()).await
}

impl Vetting {
    /// The approval that an application leads to. It takes the place of one that still holds, and then begins where that
    /// one would have ended: who renews early loses no days.
    pub(super) async fn approve_in(
        &self,
        conn: &mut Conn,
        by: AccountId,
        application: &ApplicationRow,
        reason: &str,
    ) -> Result<Approval> {
        let account = application.account();
        policy::require_another(by, account)?;
        let now = self.ctx.clock.now();
        let mut begins_at = now;
        if let Some(current) = store::approvals::lock_active(conn, account).await? {
            begins_at = begins_at.max(current.expires_at);
            // Of one whose timer is late, the term has run out as it would have.
            let event = if current.holds_at(now) { RENEW } else { EXPIRE };
            self.end_in(conn, current, event).await?;
        }
        let approval = Approval {
            id: self.ctx.ids.id(),
            application_id: application.application_id(),
            account_id: account,
            state: ApprovalState::Active,
            granted_by: by,
            granted_at: now,
            expires_at: begins_at + Duration::days(self.ctx.policy.vetting.approval_days),
            reason: reason.to_owned(),
            revocation: None,
            policy_version: self.ctx.policy.version.clone(),
            version: 1,
        };
        store::approvals::insert(conn, &approval).await.map_err(|error| {
            if error.violates(store::approvals::ONE_ACTIVE) {
                return Error::new(Code::AlreadyExists, "The developer has an active approval already.");
            }
            error.into()
        })?;
        self.start_term(conn, &approval).await?;
        let data = json!({ "expires_at": approval.expires_at });
        notify::approval(&self.ctx, conn, &approval, "approval.granted", data).await?;
        Ok(approval)
    }

    async fn start_term(&self, conn: &mut Conn, approval: &Approval) -> Result<()> {
        let id = approval.id.uuid();
        timers::set(&self.ctx, conn, APPROVAL.name, id, EXPIRE, approval.expires_at).await?;
        let notice_at = approval.expires_at - Duration::days(self.ctx.policy.vetting.approval_notice_days);
        if notice_at <= self.ctx.clock.now() {
            return Ok(());
        }
        timers::set(&self.ctx, conn, APPROVAL.name, id, NOTICE, notice_at).await
    }

    /// Moves an approval that the caller has locked, and stops its clocks.
    async fn step(&self, conn: &mut Conn, approval: &mut Approval, event: &str, who: &[Who]) -> Result<()> {
        approval.state = APPROVAL.transition(approval.state.as_str(), event, who)?.to.parse()?;
        approval.version = approval.version.saturating_add(1);
        store::approvals::update(conn, approval).await?;
        timers::clear(conn, APPROVAL.name, approval.id.uuid(), &[]).await
    }

    /// Ends an active approval: its term has run out, or a newer one takes its place.
    pub(super) async fn end_in(&self, conn: &mut Conn, mut approval: Approval, event: &str) -> Result<()> {
        self.step(conn, &mut approval, event, &[Who::System]).await?;
        let kind = if event == RENEW { "approval.renewed" } else { "approval.expired" };
        notify::approval(&self.ctx, conn, &approval, kind, json!({})).await
    }

    /// Takes an approval back: an adverse decision, which can be appealed.
    pub async fn revoke_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApprovalId,
        seen: &IfMatch,
        adverse: &AdverseDecision,
    ) -> Result<Approval> {
        let found = store::approvals::lock(conn, id).await?;
        let mut approval = found.ok_or_else(|| Error::not_found("approval"))?;
        policy::require_another(actor.account_id, approval.account_id)?;
        seen.check(approval.version)?;
        let revocation =
            Revocation { by: actor.account_id, at: self.ctx.clock.now(), reason: adverse.reason.to_string() };
        approval.revocation = Some(revocation);
        let who = policy::who(actor, approval.account_id);
        self.step(conn, &mut approval, REVOKE, &who).await?;
        let verdict =
            Verdict { approval: Some(id), ..Verdict::adverse(DecisionKind::ApprovalRevoked, adverse)? };
        self.decide(conn, actor.account_id, approval.account_id, approval.application_id, verdict).await?;
        Ok(approval)
    }

    /// Lets a revoked approval hold again for the rest of its term, unless that has run out or another holds.
    pub(super) async fn reinstate_in(&self, conn: &mut Conn, id: ApprovalId) -> Result<()> {
        let now = self.ctx.clock.now();
        let Some(mut approval) = store::approvals::lock(conn, id).await? else { return Ok(()) };
        if approval.state != ApprovalState::Revoked
            || approval.expires_at <= now
            || store::approvals::lock_active(conn, approval.account_id).await?.is_some()
        {
            return Ok(());
        }
        approval.revocation = None;
        self.step(conn, &mut approval, REINSTATE, &[Who::System]).await?;
        self.start_term(conn, &approval).await?;
        let data = json!({ "expires_at": approval.expires_at });
        notify::approval(&self.ctx, conn, &approval, "approval.reinstated", data).await
    }

    /// An approval that the caller may see: their own, or for staff anybody's.
    pub async fn approval(&self, conn: &mut Conn, actor: &Actor, id: ApprovalId) -> Result<Approval> {
        let of = (!policy::reads_all(actor)).then_some(actor.account_id);
        store::approvals::find(conn, id, of).await?.ok_or_else(|| Error::not_found("approval"))
    }

    /// The caller's newest approval, whatever its state.
    pub async fn own_approval(&self, conn: &mut Conn, actor: &Actor) -> Result<Approval> {
        let newest = store::approvals::newest(conn, actor.account_id).await?;
        newest.ok_or_else(|| Error::not_found("approval"))
    }

    /// Approvals for staff, newest first.
    pub async fn approvals(
        &self,
        conn: &mut Conn,
        state: Option<ApprovalState>,
        account: Option<AccountId>,
        before: Option<ApprovalId>,
        limit: i64,
    ) -> Result<Vec<Approval>> {
        store::approvals::list(conn, state, account, before, limit).await
    }
}
