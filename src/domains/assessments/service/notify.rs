//! What others are told: events in the feed, and mail.

use assay_kernel::ids::{AccountId, ApplicationId};
use assay_kernel::{Permission, Result};
use assay_notifications::{NewMail, Template, enqueue_mail};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::{Value, json};

use crate::store;
use crate::store::assessments::AssessmentRow;

const REVIEWERS: Audience = Audience::Staff(Permission::Reviewer);

/// Where something of an assessment is.
pub fn url(ctx: &Ctx, row: &AssessmentRow, what: &str) -> String {
    format!("{}/v1/assessments/{}{what}", ctx.config.public_url(), row.assessment_id())
}

/// Sends a mail.
pub async fn mail(ctx: &Ctx, conn: &mut Conn, to: AccountId, template: Template) -> Result<()> {
    enqueue_mail(ctx, conn, NewMail::to(to, template)).await.map(drop)
}

/// Publishes an event of an assessment.
pub async fn publish(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AssessmentRow,
    kind: &str,
    data: Value,
    audience: &[Audience],
) -> Result<()> {
    let id = row.assessment_id();
    let mut whole = json!({ "assessment_id": id });
    if let (Some(whole), Value::Object(data)) = (whole.as_object_mut(), data) {
        whole.extend(data);
    }
    outbox::publish(ctx, conn, kind, id.to_string(), whole, audience).await
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
    changed(ctx, conn, row, kind, &audience).await
}

async fn changed(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AssessmentRow,
    kind: &str,
    audience: &[Audience],
) -> Result<()> {
    let data = json!({
        "application_id": ApplicationId::from_uuid(row.application_id),
        "track": row.track,
        "state": row.state,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    });
    publish(ctx, conn, row, kind, data, audience).await
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
    changed(ctx, conn, row, kind, &audience).await
}

/// Tells that a candidate waits for a time; the reviewers by mail when it is the first on the track.
pub async fn waiting(ctx: &Ctx, conn: &mut Conn, row: &AssessmentRow, is_first: bool) -> Result<()> {
    assessment(ctx, conn, row, "assessment.waiting", &[]).await?;
    if !is_first {
        return Ok(());
    }
    for reviewer in store::people::staff(conn, Permission::Reviewer).await? {
        let template = Template::AssessmentSlotsWanted { track: row.track.clone(), url: url(ctx, row, "") };
        mail(ctx, conn, reviewer, template).await?;
    }
    Ok(())
}

/// Tells a candidate who waits that there are free starts.
pub async fn slots_free(ctx: &Ctx, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
    changed(ctx, conn, row, "assessment.slots_free", &[Audience::Account(row.candidate())]).await?;
    let template = Template::AssessmentSlotsFree { track: row.track.clone(), url: url(ctx, row, "") };
    mail(ctx, conn, row.candidate(), template).await
}

/// The reviewers who may know how the rating stands: told one by one, without those who have a card to fill in themselves,
/// since what they read must not hint at another's card.
async fn reviewers(conn: &mut Conn, row: &AssessmentRow) -> Result<Vec<AccountId>> {
    let mut free = Vec::new();
    for reviewer in store::people::staff(conn, Permission::Reviewer).await? {
        if reviewer != row.candidate() && !store::cards::has_open(conn, row.application_id, reviewer).await? {
            free.push(reviewer);
        }
    }
    Ok(free)
}

/// Tells the reviewers of a rating, by an event and, where there is one, a mail.
pub async fn tell_reviewers(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &AssessmentRow,
    kind: &str,
    data: Value,
    template: Option<Template>,
) -> Result<()> {
    let reviewers = reviewers(conn, row).await?;
    let audience: Vec<Audience> = reviewers.iter().copied().map(Audience::Account).collect();
    publish(ctx, conn, row, kind, data, &audience).await?;
    let Some(template) = template else { return Ok(()) };
    for reviewer in reviewers {
        mail(ctx, conn, reviewer, template.clone()).await?;
    }
    Ok(())
}
