//! Work on a milestone: begun, delivered, reviewed.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{DeliverableId, MilestoneId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::timers;
use assay_platform::web::IfMatch;
use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use validator::Validate;

use super::decide::{Order, decide};
use super::views::{MilestoneDetail, milestone_blocked, milestone_detail};
use super::{clocks, lock_milestone, notify, save_milestone};
use crate::model::{DecisionKind, Evidence, MILESTONE, WHOLE_BPS, check_evidence};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::{DeliveryRow, MilestoneRow};

/// What is delivered.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// Evidence for each deliverable that is not accepted yet.
    #[validate(nested, length(min = 1, max = 100))]
    #[schema(min_items = 1, max_items = 100)]
    pub evidence: Vec<EvidenceInput>,
    /// A few words on the whole.
    #[serde(default)]
    #[validate(length(max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 4000)]
    pub note: Text,
}

/// Evidence that a deliverable is done: a link or a commit at least.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceInput {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// Where it can be looked at: https URLs.
    #[serde(default)]
    #[validate(length(max = 10), custom(function = "https_links"))]
    #[schema(max_items = 10, example = json!(["https://github.com/northwind/ledgers/pull/41"]))]
    pub links: Vec<String>,
    /// The commit that has it, 7 to 64 hexadecimal digits.
    #[serde(default)]
    #[validate(custom(function = "is_commit"))]
    #[schema(example = "5e3f8a1c9d")]
    pub commit: Option<String>,
    /// A few words.
    #[serde(default)]
    #[validate(length(max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub note: Text,
}

/// For lists of https URLs.
pub(super) fn https_links(links: &[String]) -> std::result::Result<(), validator::ValidationError> {
    links.iter().try_for_each(|link| text::https_url(link))
}

fn is_commit(commit: &str) -> std::result::Result<(), validator::ValidationError> {
    if (7..=64).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(validator::ValidationError::new("invalid_format")
        .with_message("must be 7 to 64 hexadecimal digits".into()))
}

fn said(text: &Text) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

/// Which deliverables are accepted.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Those that are accepted; all that are left when none is named.
    #[serde(default)]
    #[validate(nested, length(max = 100))]
    #[schema(max_items = 100)]
    pub deliverables: Vec<AcceptOne>,
}

/// A deliverable that is accepted.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptOne {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// What the client says of it.
    #[serde(default)]
    #[validate(length(max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000, example = "Reads all three formats.")]
    pub note: Text,
}

/// The developer begins, or goes on with requested changes.
pub async fn start_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor, id: MilestoneId) -> Result<MilestoneDetail> {
    let (contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    row.state = MILESTONE.transition(&row.state, "start", &seat.who())?.to.to_owned();
    save_milestone(ctx, conn, &mut row).await?;
    notify::milestone(ctx, conn, &contract, &row, "milestone.started", json!({})).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// The developer delivers; the review begins.
///
/// # Errors
/// `invalid_fields` unless there is evidence for each deliverable that is not accepted yet.
pub async fn deliver_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    input: &Deliver,
) -> Result<MilestoneDetail> {
    let (contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    let transition = MILESTONE.transition(&row.state, "deliver", &seat.who())?;
    let evidence: Vec<Evidence> = input
        .evidence
        .iter()
        .map(|one| Evidence {
            deliverable_id: one.deliverable_id,
            links: one.links.clone(),
            commit: one.commit.clone(),
            note: said(&one.note),
        })
        .collect();
    let mut errors = FieldErrors::new();
    check_evidence(&row.document, &row.standing, &evidence, &mut errors);
    errors.finish()?;

    let now = ctx.clock.now();
    let number = store::milestones::deliveries(conn, row.id).await?.len().saturating_add(1);
    let delivery = DeliveryRow {
        id: ctx.ids.uuid(),
        milestone_id: row.id,
        number: i32::try_from(number).map_err(Error::internal)?,
        evidence: Json(evidence),
        note: said(&input.note),
        delivered_at: now,
    };
    store::milestones::insert_delivery(conn, &delivery).await?;
    row.state = transition.to.to_owned();
    row.delivered_at = Some(now);
    let until = now + Duration::days(i64::from(contract.terms.review_days));
    clocks::set_review(ctx, conn, &mut row, until).await?;
    save_milestone(ctx, conn, &mut row).await?;
    let data = json!({ "number": number, "review_until": until });
    notify::milestone(ctx, conn, &contract, &row, "milestone.delivered", data).await?;
    notify::mail_review(ctx, conn, &contract, &row, until, false).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// The client accepts deliverables: their weights are released; with the last one the milestone is decided.
///
/// # Errors
/// `invalid_fields` for deliverables that are unknown or accepted already; `precondition_failed` when the milestone
/// has changed since it was seen.
pub async fn accept_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    seen: &IfMatch,
    input: &Accept,
) -> Result<MilestoneDetail> {
    let (mut contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    MILESTONE.transition(&row.state, "accept", &seat.who())?;
    seen.check(row.version)?;
    let named: Vec<(DeliverableId, Option<String>)> = if input.deliverables.is_empty() {
        let open = row.standing.iter().filter(|standing| standing.accepted_at.is_none());
        open.map(|standing| (standing.deliverable_id, None)).collect()
    } else {
        input.deliverables.iter().map(|one| (one.deliverable_id, said(&one.note))).collect()
    };
    accept(ctx, conn, &mut contract, &mut row, &seat.who(), Some(actor), &named).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// Notes the acceptance of deliverables and decides on their money.
pub(super) async fn accept(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
    who: &[Who],
    by: Option<&Actor>,
    named: &[(DeliverableId, Option<String>)],
) -> Result<()> {
    let now = ctx.clock.now();
    let mut errors = FieldErrors::new();
    for (i, (id, note)) in named.iter().enumerate() {
        let pointer = format!("/deliverables/{i}/deliverable_id");
        match row.standing.iter_mut().find(|standing| standing.deliverable_id == *id) {
            None => errors.push(pointer, "unknown_value", "is not a deliverable of the milestone"),
            Some(standing) if standing.accepted_at.is_some() => {
                errors.push(pointer, "not_allowed", "is accepted already");
            }
            Some(standing) => {
                standing.accepted_at = Some(now);
                standing.note.clone_from(note);
            }
        }
    }
    errors.finish()?;
    let weight = row.accepted_weight();
    let kind = if weight >= WHOLE_BPS { DecisionKind::Accepted } else { DecisionKind::PartAccepted };
    let accepted = row.agreed(contract).accepted(weight);
    let order = Order { kind, event: "accept", who, by: by.map(|actor| actor.account_id), accepted };
    decide(ctx, conn, contract, row, order).await.map(drop)
}

/// The client wants changes, within the agreed rounds. The time of the review is added to the time for the delivery.
///
/// # Errors
/// `guard_failed` when the rounds are used up.
pub async fn request_changes_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    seen: &IfMatch,
    reason: &str,
) -> Result<MilestoneDetail> {
    let (contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    let transition = MILESTONE.transition(&row.state, "request_changes", &seat.who())?;
    seen.check(row.version)?;
    MILESTONE.check(transition, |guard| milestone_blocked(ctx, &contract, &row, guard))?;
    row.state = transition.to.to_owned();
    row.revisions = row.revisions.saturating_add(1);
    row.reason = Some(reason.to_owned());
    if let Some(delivered_at) = row.delivered_at {
        row.due_at += ctx.clock.now() - delivered_at;
    }
    row.review_until = None;
    timers::clear(conn, MILESTONE.name, row.id, clocks::REVIEW).await?;
    clocks::set_due(ctx, conn, &row).await?;
    save_milestone(ctx, conn, &mut row).await?;
    let data = json!({ "reason": reason, "revisions": row.revisions, "due_at": row.due_at });
    notify::milestone(ctx, conn, &contract, &row, "milestone.changes_requested", data).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}
