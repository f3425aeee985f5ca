//! What others are told of ratings: events in the feed, and mail. Reviewers are told one by one, without those who have
//! a card to fill in themselves: what they read must not hint at another's card.

use assay_kernel::Result;
use assay_kernel::ids::AccountId;
use assay_notifications::{NewMail, Template, enqueue_mail};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::{Value, json};

use crate::store;
use crate::store::assessments::AssessmentRow;

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

/// The reviewers who may know how the rating stands.
async fn reviewers(conn: &mut Conn, row: &AssessmentRow) -> Result<Vec<AccountId>> {
    let mut free = Vec::new();
    for reviewer in store::raters::reviewers(conn).await? {
        if reviewer != row.candidate() && !store::cards::has_open(conn, row.application_id, reviewer).await? {
            free.push(reviewer);
        }
    }
    Ok(free)
}

/// Tells the reviewers, by an event and, where there is one, a mail.
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
