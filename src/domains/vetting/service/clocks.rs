//! What happens by itself when time has passed. Each checks the present state, since a timer may fire late or twice.

use assay_kernel::Result;
use assay_kernel::ids::{AppealId, ApplicationId, ApprovalId};
use assay_kernel::process::Who;
use assay_platform::db::Conn;
use assay_platform::timers::Fired;
use serde_json::json;

use super::{Vetting, notify};
use crate::model::{APPEAL, APPLICATION, Approval, ApprovalState, EXPIRE, appeal_events, events};
use crate::store;
use crate::store::applications::ApplicationRow;

impl Vetting {
    /// Runs a timer's work on an application that can take `event` now; it is moved there in memory.
    async fn on_application(
        &self,
        fired: Fired,
        event: &str,
        work: impl AsyncFn(&mut Conn, ApplicationRow) -> Result<()>,
    ) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = ApplicationId::from_uuid(fired.subject);
                let Some(mut row) = store::applications::lock(conn, id).await? else { return Ok(()) };
                let Ok(transition) = APPLICATION.transition(&row.state, event, &[Who::System]) else {
                    return Ok(());
                };
                row.state = transition.to.to_owned();
                work(conn, row).await
            })
            .await
    }

    /// A draft, or a request for changes, was left alone for too long.
    pub async fn on_expire(&self, fired: Fired) -> Result<()> {
        self.on_application(fired, events::EXPIRE, async |conn, mut row| {
            if row.expires_at.is_none_or(|end| end > self.ctx.clock.now()) {
                return Ok(());
            }
            // Nobody but the developer knows of a draft.
            let was_seen = row.submitted_at.is_some();
            self.save(conn, &mut row).await?;
            if was_seen {
                notify::expired(&self.ctx, conn, &row).await
            } else {
                notify::applicant(&self.ctx, conn, &row, "application.expired").await
            }
        })
        .await
    }

    /// A claim was left alone: the application waits for any reviewer again.
    pub async fn on_lapse_claim(&self, fired: Fired) -> Result<()> {
        self.on_application(fired, events::LAPSE_CLAIM, async |conn, mut row| {
            if row.claimed_until.is_none_or(|until| until > self.ctx.clock.now()) {
                return Ok(());
            }
            self.save(conn, &mut row).await?;
            notify::application(&self.ctx, conn, &row, "application.released", json!({ "by": "system" }))
                .await
        })
        .await
    }

    /// The developer has not answered a request for changes, and its time ends soon.
    pub async fn on_remind_changes(&self, fired: Fired) -> Result<()> {
        self.on_application(fired, events::REMIND_CHANGES, async |conn, row| {
            notify::changes_due(&self.ctx, conn, &row).await
        })
        .await
    }

    /// Screening is late: reviewers are told.
    pub async fn on_screening_overdue(&self, fired: Fired) -> Result<()> {
        self.on_application(fired, events::SCREENING_OVERDUE, async |conn, row| {
            if !row.is_overdue(self.ctx.clock.now())? {
                return Ok(());
            }
            notify::screening_overdue(&self.ctx, conn, &row).await
        })
        .await
    }

    /// Runs a timer's work on an approval that is active.
    async fn on_approval(
        &self,
        fired: Fired,
        work: impl AsyncFn(&mut Conn, Approval) -> Result<()>,
    ) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                match store::approvals::lock(conn, ApprovalId::from_uuid(fired.subject)).await? {
                    Some(approval) if approval.state == ApprovalState::Active => work(conn, approval).await,
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The term of an approval has run out.
    pub async fn on_approval_expire(&self, fired: Fired) -> Result<()> {
        self.on_approval(fired, async |conn, approval| {
            if approval.holds_at(self.ctx.clock.now()) {
                return Ok(());
            }
            self.end_in(conn, approval, EXPIRE).await
        })
        .await
    }

    /// The term of an approval ends soon.
    pub async fn on_approval_notice(&self, fired: Fired) -> Result<()> {
        self.on_approval(fired, async |conn, approval| {
            let data = json!({ "expires_at": approval.expires_at });
            notify::approval(&self.ctx, conn, &approval, "approval.expiring", data).await
        })
        .await
    }

    /// An appeal is late: reviewers are told.
    pub async fn on_appeal_overdue(&self, fired: Fired) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let Some(row) = store::appeals::lock(conn, AppealId::from_uuid(fired.subject)).await? else {
                    return Ok(());
                };
                if APPEAL.transition(&row.state, appeal_events::OVERDUE, &[Who::System]).is_err() {
                    return Ok(());
                }
                notify::appeal_overdue(&self.ctx, conn, &row).await
            })
            .await
    }
}
