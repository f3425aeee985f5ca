//! What others are told: events in the feed, and mail.

use assay_kernel::ids::{AccountId, AppealId, ApplicationId, ApprovalId, DecisionId};
use assay_kernel::{Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::{Value, json};

use crate::model::{Approval, DecisionKind};
use crate::store::appeals::AppealRow;
use crate::store::applications::ApplicationRow;
use crate::store::decisions::DecisionRow;

const REVIEWERS: Audience = Audience::Staff(Permission::Reviewer);

fn with(mut data: Value, extra: Value) -> Value {
    if let (Some(target), Value::Object(extra)) = (data.as_object_mut(), extra) {
        target.extend(extra);
    }
    data
}

/// Tells the developer and the reviewers.
pub async fn application(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ApplicationRow,
    kind: &str,
    data: Value,
) -> Result<()> {
    let audience = [Audience::Account(row.account()), REVIEWERS];
    publish_application(ctx, conn, row, kind, data, &audience).await
}

/// Tells the developer only.
pub async fn applicant(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow, kind: &str) -> Result<()> {
    publish_application(ctx, conn, row, kind, json!({}), &[Audience::Account(row.account())]).await
}

/// Tells the reviewers that screening is late.
pub async fn screening_overdue(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow) -> Result<()> {
    let data = json!({ "due_at": row.screening_due_at });
    publish_application(ctx, conn, row, "application.screening_overdue", data, &[REVIEWERS]).await
}

async fn publish_application(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ApplicationRow,
    kind: &str,
    data: Value,
    audience: &[Audience],
) -> Result<()> {
    let id = row.application_id();
    let data = with(json!({ "application_id": id, "state": row.state, "expires_at": row.expires_at }), data);
    outbox::publish(ctx, conn, kind, id.to_string(), data, audience).await
}

/// Tells the person concerned and the reviewers of a decision. Who made it is told to neither.
pub async fn decision(ctx: &Ctx, conn: &mut Conn, row: &DecisionRow) -> Result<()> {
    let application = ApplicationId::from_uuid(row.application_id);
    let (kind, subject) = match (row.kind()?, row.approval_id) {
        (DecisionKind::ApprovalRevoked, Some(approval)) => {
            ("approval.revoked", ApprovalId::from_uuid(approval).to_string())
        }
        (DecisionKind::NotReady, _) => ("application.declined", application.to_string()),
        (DecisionKind::RejectedIntegrity, _) => ("application.rejected", application.to_string()),
        (DecisionKind::ChangesRequested, _) => ("application.changes_requested", application.to_string()),
        (DecisionKind::Passed, _) => ("application.passed", application.to_string()),
        (DecisionKind::FastLaneConfirmed, _) => ("application.fast_lane_confirmed", application.to_string()),
        (DecisionKind::Approved | DecisionKind::ApprovalRevoked, _) => {
            ("application.approved", application.to_string())
        }
    };
    let data = json!({
        "application_id": application,
        "decision_id": DecisionId::from_uuid(row.id),
        "reason_code": row.reason_code,
        "reason": row.shown_reason()?,
        "notes": row.notes,
        "appeal_until": row.appeal_until,
    });
    let audience = [Audience::Account(AccountId::from_uuid(row.account_id)), REVIEWERS];
    outbox::publish(ctx, conn, kind, subject, data, &audience).await
}

/// Tells the developer of their approval.
pub async fn approval(
    ctx: &Ctx,
    conn: &mut Conn,
    approval: &Approval,
    kind: &str,
    data: Value,
) -> Result<()> {
    let audience = [Audience::Account(approval.account_id)];
    outbox::publish(ctx, conn, kind, approval.id.to_string(), data, &audience).await
}

/// Tells the person who appeals and the reviewers.
pub async fn appeal(ctx: &Ctx, conn: &mut Conn, row: &AppealRow, kind: &str) -> Result<()> {
    let audience = [Audience::Account(AccountId::from_uuid(row.account_id)), REVIEWERS];
    publish_appeal(ctx, conn, row, kind, &audience).await
}

/// Tells the reviewers that the answer to an appeal is late.
pub async fn appeal_overdue(ctx: &Ctx, conn: &mut Conn, row: &AppealRow) -> Result<()> {
    publish_appeal(ctx, conn, row, "appeal.overdue", &[REVIEWERS]).await
}

async fn publish_appeal(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AppealRow,
    kind: &str,
    audience: &[Audience],
) -> Result<()> {
    let id = AppealId::from_uuid(row.id);
    let data = json!({
        "appeal_id": id,
        "decision_id": DecisionId::from_uuid(row.decision_id),
        "state": row.state,
        "answer": row.answer,
        "due_at": row.due_at,
    });
    outbox::publish(ctx, conn, kind, id.to_string(), data, audience).await
}
