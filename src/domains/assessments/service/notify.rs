//! What others are told: events in the feed, and mail.

use assay_kernel::ids::{AccountId, ApplicationId};
use assay_kernel::{Permission, Result};
use assay_notifications::{NewMail, Template, enqueue_mail};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::json;

use crate::store;
use crate::store::assessments::AssessmentRow;

const REVIEWERS: Audience = Audience::Staff(Permission::Reviewer);

fn url(ctx: &Ctx, row: &AssessmentRow) -> String {
    format!("{}/v1/assessments/{}", ctx.config.public_url(), row.assessment_id())
}

/// Tells the candidate, the reviewers and these hosts. Who hosts is told to nobody.
pub async fn assessment(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AssessmentRow,
    kind: &str,
    hosts: &[uuid::Uuid],
) -> Result<()> {
    let mut audience = vec![Audience::Account(row.candidate()), REVIEWERS];
    audience.extend(hosts.iter().map(|host| Audience::Account(AccountId::from_uuid(*host))));
    publish(ctx, conn, row, kind, &audience).await
}

async fn publish(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AssessmentRow,
    kind: &str,
    audience: &[Audience],
) -> Result<()> {
    let id = row.assessment_id();
    let data = json!({
        "assessment_id": id,
        "application_id": ApplicationId::from_uuid(row.application_id),
        "track": row.track,
        "state": row.state,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    });
    outbox::publish(ctx, conn, kind, id.to_string(), data, audience).await
}

/// Tells hosts only.
pub async fn hosts(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AssessmentRow,
    kind: &str,
    hosts: &[uuid::Uuid],
) -> Result<()> {
    let audience: Vec<Audience> =
        hosts.iter().map(|host| Audience::Account(AccountId::from_uuid(*host))).chain([REVIEWERS]).collect();
    publish(ctx, conn, row, kind, &audience).await
}

/// Tells that a candidate waits for a time; the reviewers by mail when it is the first on the track.
pub async fn waiting(ctx: &Ctx, conn: &mut Conn, row: &AssessmentRow, is_first: bool) -> Result<()> {
    assessment(ctx, conn, row, "assessment.waiting", &[]).await?;
    if !is_first {
        return Ok(());
    }
    for reviewer in store::people::staff(conn, Permission::Reviewer).await? {
        let template = Template::AssessmentSlotsWanted { track: row.track.clone(), url: url(ctx, row) };
        enqueue_mail(ctx, conn, NewMail::to(reviewer, template)).await?;
    }
    Ok(())
}

/// Tells a candidate who waits that there are free starts.
pub async fn slots_free(ctx: &Ctx, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
    publish(ctx, conn, row, "assessment.slots_free", &[Audience::Account(row.candidate())]).await?;
    let template = Template::AssessmentSlotsFree { track: row.track.clone(), url: url(ctx, row) };
    enqueue_mail(ctx, conn, NewMail::to(row.candidate(), template)).await.map(drop)
}
