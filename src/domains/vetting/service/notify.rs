//! What others are told: events in the feed, and mail.

use assay_kernel::ids::{AccountId, AppealId, ApplicationId, ApprovalId, DecisionId};
use assay_kernel::{Permission, Result};
use assay_notifications::{Adverse, NewMail, Overdue, Template, enqueue_mail};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::{Value, json};

use crate::model::{AppealState, Approval, DecisionKind, Note};
use crate::store;
use crate::store::appeals::AppealRow;
use crate::store::applications::ApplicationRow;
use crate::store::decisions::DecisionRow;

async fn mail(ctx: &Ctx, conn: &mut Conn, to: AccountId, template: Template) -> Result<()> {
    enqueue_mail(ctx, conn, NewMail::to(to, template)).await.map(drop)
}

/// The same mail to everybody who decides applications and appeals.
async fn mail_reviewers(ctx: &Ctx, conn: &mut Conn, template: Template) -> Result<()> {
    for reviewer in store::people::reviewers(conn).await? {
        mail(ctx, conn, reviewer, template.clone()).await?;
    }
    Ok(())
}

fn url(ctx: &Ctx, nouns: &str, id: impl std::fmt::Display) -> String {
    format!("{}/v1/{nouns}/{id}", ctx.config.public_url())
}

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

/// Tells that an application has come into the queue.
pub async fn submitted(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow, kind: &str) -> Result<()> {
    application(ctx, conn, row, kind, json!({})).await?;
    let Some(due_at) = row.screening_due_at else { return Ok(()) };
    let url = url(ctx, "applications", row.application_id());
    mail(ctx, conn, row.account(), Template::ApplicationReceived { url, due_at }).await
}

/// Tells that the changes that were wanted were not made in time.
pub async fn expired(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow) -> Result<()> {
    application(ctx, conn, row, "application.expired", json!({})).await?;
    let url = url(ctx, "applications", row.application_id());
    mail(ctx, conn, row.account(), Template::ApplicationExpired { url }).await
}

/// Tells the developer that the time for changes ends soon.
pub async fn changes_due(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow) -> Result<()> {
    applicant(ctx, conn, row, "application.changes_due").await?;
    let Some(until) = row.expires_at else { return Ok(()) };
    let url = url(ctx, "applications", row.application_id());
    mail(ctx, conn, row.account(), Template::ApplicationChangesDue { url, until }).await
}

/// Tells the developer only.
pub async fn applicant(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow, kind: &str) -> Result<()> {
    publish_application(ctx, conn, row, kind, json!({}), &[Audience::Account(row.account())]).await
}

/// Tells the reviewers that screening is late.
pub async fn screening_overdue(ctx: &Ctx, conn: &mut Conn, row: &ApplicationRow) -> Result<()> {
    let data = json!({ "due_at": row.screening_due_at });
    publish_application(ctx, conn, row, "application.screening_overdue", data, &[REVIEWERS]).await?;
    let Some(due_at) = row.screening_due_at else { return Ok(()) };
    let url = url(ctx, "applications", row.application_id());
    mail_reviewers(ctx, conn, Template::StaffOverdue { what: Overdue::Screening, url, due_at }).await
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
    let person = AccountId::from_uuid(row.account_id);
    outbox::publish(ctx, conn, kind, subject, data, &[Audience::Account(person), REVIEWERS]).await?;
    match letter(ctx, conn, row).await? {
        Some(template) => mail(ctx, conn, person, template).await,
        None => Ok(()),
    }
}

/// The mail that goes with a decision; an approval has one of its own.
async fn letter(ctx: &Ctx, conn: &mut Conn, row: &DecisionRow) -> Result<Option<Template>> {
    let id = ApplicationId::from_uuid(row.application_id);
    let reason = row.reason.clone().unwrap_or_default();
    let adverse = |what| {
        let url = url(ctx, "decisions", DecisionId::from_uuid(row.id));
        let reason = reason.clone();
        row.appeal_until.map(|appeal_until| Template::AdverseDecision { what, reason, url, appeal_until })
    };
    Ok(match row.kind()? {
        DecisionKind::ChangesRequested => {
            let Some(application) = store::applications::find(conn, id).await? else { return Ok(None) };
            let notes: Vec<Note> = super::from_json(&row.notes)?;
            application.expires_at.map(|until| Template::ApplicationChangesRequested {
                reason,
                notes: notes.iter().map(|note| format!("{}: {}", note.pointer, &*note.note)).collect(),
                url: url(ctx, "applications", id),
                until,
            })
        }
        DecisionKind::Passed | DecisionKind::FastLaneConfirmed => {
            Some(Template::ApplicationPassed { url: url(ctx, "applications", id) })
        }
        // Of an assessment the mail with the feedback tells.
        DecisionKind::NotReady if row.by_assessment_id.is_some() => None,
        DecisionKind::NotReady => adverse(Adverse::Declined),
        DecisionKind::RejectedIntegrity => adverse(Adverse::Rejected),
        DecisionKind::ApprovalRevoked => adverse(Adverse::Revoked),
        DecisionKind::Approved => None,
    })
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
    outbox::publish(ctx, conn, kind, approval.id.to_string(), data, &audience).await?;
    let (url, expires_at) = (url(ctx, "approvals", approval.id), approval.expires_at);
    let template = match kind {
        "approval.granted" | "approval.reinstated" => Template::DeveloperApproved { url, expires_at },
        "approval.expiring" => Template::ApprovalExpiring { url, expires_at },
        "approval.expired" => Template::ApprovalExpired { url },
        _ => return Ok(()),
    };
    mail(ctx, conn, approval.account_id, template).await
}

/// Tells the person who appeals and the reviewers.
pub async fn appeal(ctx: &Ctx, conn: &mut Conn, row: &AppealRow, kind: &str) -> Result<()> {
    let person = AccountId::from_uuid(row.account_id);
    publish_appeal(ctx, conn, row, kind, &[Audience::Account(person), REVIEWERS]).await?;
    let url = url(ctx, "appeals", AppealId::from_uuid(row.id));
    let template = match &row.answer {
        None => Template::AppealReceived { url, due_at: row.due_at },
        Some(answer) => {
            let overturned = row.state == AppealState::Overturned.as_str();
            Template::AppealAnswered { overturned, answer: answer.clone(), url }
        }
    };
    mail(ctx, conn, person, template).await
}

/// Tells the reviewers that the answer to an appeal is late.
pub async fn appeal_overdue(ctx: &Ctx, conn: &mut Conn, row: &AppealRow) -> Result<()> {
    publish_appeal(ctx, conn, row, "appeal.overdue", &[REVIEWERS]).await?;
    let url = url(ctx, "appeals", AppealId::from_uuid(row.id));
    let template = Template::StaffOverdue { what: Overdue::Appeal, url, due_at: row.due_at };
    mail_reviewers(ctx, conn, template).await
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
