//! What others are told: events in the feed, and mail.

use assay_kernel::Permission;
use assay_kernel::Result;
use assay_kernel::ids::{AccountId, AppealId, BidId, InvitationId, OrganisationId, ProjectId};
use assay_notifications::{NewMail, Template, enqueue_mail};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::{Value, json};

use super::curation::FieldNote;
use crate::store;
use crate::store::curation::AppealRow;
use crate::store::invitations::InvitationRow;
use crate::store::projects::ProjectRow;

fn with(mut data: Value, extra: Value) -> Value {
    if let (Some(target), Value::Object(extra)) = (data.as_object_mut(), extra) {
        target.extend(extra);
    }
    data
}

/// Tells the client's people and the curators.
pub async fn project(ctx: &Ctx, conn: &mut Conn, row: &ProjectRow, kind: &str, data: Value) -> Result<()> {
    let audience = [Audience::Organisation(row.organisation()), Audience::Staff(Permission::Curator)];
    let data = with(json!({ "project_id": row.project_id(), "state": row.state }), data);
    outbox::publish(ctx, conn, kind, row.project_id().to_string(), data, &audience).await
}

/// Tells the curators only.
pub async fn staff(ctx: &Ctx, conn: &mut Conn, row: &ProjectRow, kind: &str, data: Value) -> Result<()> {
    let data = with(json!({ "project_id": row.project_id(), "state": row.state }), data);
    outbox::publish(
        ctx,
        conn,
        kind,
        row.project_id().to_string(),
        data,
        &[Audience::Staff(Permission::Curator)],
    )
    .await
}

/// Tells the bidder, and the client's people where they may know: bids are sealed from everybody else.
#[allow(clippy::too_many_arguments)] // an event has as many particulars as it has
pub async fn bid(
    ctx: &Ctx,
    conn: &mut Conn,
    bid: BidId,
    project: ProjectId,
    developer: AccountId,
    organisation: Option<OrganisationId>,
    kind: &str,
    data: Value,
) -> Result<()> {
    let mut audience = vec![Audience::Account(developer)];
    audience.extend(organisation.map(Audience::Organisation));
    let data = with(json!({ "bid_id": bid, "project_id": project }), data);
    outbox::publish(ctx, conn, kind, bid.to_string(), data, &audience).await
}

/// Tells the developer and the client's people.
pub async fn invitation(ctx: &Ctx, conn: &mut Conn, row: &InvitationRow, kind: &str) -> Result<()> {
    let project = ProjectId::from_uuid(row.project_id);
    let Some(found) = store::projects::find(conn, project).await? else { return Ok(()) };
    let audience = [
        Audience::Account(AccountId::from_uuid(row.developer_id)),
        Audience::Organisation(found.organisation()),
    ];
    let id = InvitationId::from_uuid(row.id);
    let data = json!({ "invitation_id": id, "project_id": project, "state": row.state });
    outbox::publish(ctx, conn, kind, id.to_string(), data, &audience).await
}

/// Tells the client's people and the reviewers.
pub async fn appeal(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ProjectRow,
    appeal: &AppealRow,
    kind: &str,
) -> Result<()> {
    let id = AppealId::from_uuid(appeal.id);
    let audience = [Audience::Organisation(row.organisation()), Audience::Staff(Permission::Reviewer)];
    let data = json!({
        "appeal_id": id, "project_id": row.project_id(), "state": appeal.state, "due_at": appeal.due_at,
        "answer": appeal.answer,
    });
    outbox::publish(ctx, conn, kind, id.to_string(), data, &audience).await
}

fn project_url(ctx: &Ctx, row: &ProjectRow) -> String {
    format!("{}/v1/projects/{}", ctx.config.public_url(), row.project_id())
}

async fn mail(ctx: &Ctx, conn: &mut Conn, to: AccountId, template: Template) -> Result<()> {
    enqueue_mail(ctx, conn, NewMail::to(to, template)).await.map(drop)
}

/// The project is public now.
pub async fn mail_listed(ctx: &Ctx, conn: &mut Conn, row: &ProjectRow) -> Result<()> {
    let template = Template::ProjectListed { title: row.title.clone(), url: project_url(ctx, row) };
    mail(ctx, conn, row.posted_by(), template).await
}

/// The curator wants changes.
pub async fn mail_changes(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ProjectRow,
    reason: &str,
    notes: &[FieldNote],
) -> Result<()> {
    let mut lines = vec![reason.to_owned()];
    lines.extend(notes.iter().map(|note| format!("{}: {}", note.pointer, &*note.note)));
    let template = Template::ProjectChangesRequested {
        title: row.title.clone(),
        url: project_url(ctx, row),
        notes: lines,
    };
    mail(ctx, conn, row.posted_by(), template).await
}

/// The project was refused or taken down.
pub async fn mail_rejected(ctx: &Ctx, conn: &mut Conn, row: &ProjectRow, reason: &str) -> Result<()> {
    let template = Template::ProjectRejected {
        title: row.title.clone(),
        reason: reason.to_owned(),
        url: project_url(ctx, row),
    };
    mail(ctx, conn, row.posted_by(), template).await
}

/// The listing runs out soon.
pub async fn mail_expiring(ctx: &Ctx, conn: &mut Conn, row: &ProjectRow) -> Result<()> {
    let Some(at) = row.expires_at else { return Ok(()) };
    let template = Template::ListingExpiring { title: row.title.clone(), url: project_url(ctx, row), at };
    mail(ctx, conn, row.posted_by(), template).await
}

/// A client made an offer.
pub async fn mail_offer(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ProjectRow,
    bid: BidId,
    developer: AccountId,
    expires_at: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    let url = format!("{}/v1/bids/{bid}", ctx.config.public_url());
    mail(ctx, conn, developer, Template::OfferReceived { title: row.title.clone(), url, expires_at }).await
}

/// A client invites a developer to bid.
pub async fn mail_invitation(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ProjectRow,
    client: &str,
    invitation: &InvitationRow,
) -> Result<()> {
    let id = InvitationId::from_uuid(invitation.id);
    let template = Template::InvitationToBid {
        title: row.title.clone(),
        client: client.to_owned(),
        url: format!("{}/v1/invitations/{id}", ctx.config.public_url()),
        expires_at: invitation.expires_at,
    };
    mail(ctx, conn, AccountId::from_uuid(invitation.developer_id), template).await
}
