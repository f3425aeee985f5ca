//! Staff's part in a dispute: the mediator's proposal, the arbitrator's award, the answer to an appeal. Three people, none
//! of whom has a part in the case; a large award needs one more, of the finance staff.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, DeliverableId, DeliveryId, DisputeId, MessageId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Result};
use assay_payments::{MoneyAct, Proposed, needs_second_person, propose_act_in};
use assay_platform::Ctx;
use assay_platform::audit;
use assay_platform::db::{Conn, Json};
use assay_platform::policy::add_business_days;
use assay_platform::web::IfMatch;
use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::super::notify;
use super::opening::check_part;
use super::{Case, DisputeDetail, begin, case, detail, save, wait};
use crate::model::{
    AppealOutcome, DISPUTE, DisputeState, Finding, REVIEWER, Record, Ruling, arbitration_fee, check_findings,
};
use crate::store;
use crate::store::disputes::DisputeRow;

/// What was found, and what it rests on: a deliverable, a delivery or a message at least.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingInput {
    /// Of which deliverable it is.
    #[serde(default)]
    pub deliverable_id: Option<DeliverableId>,
    /// The delivery that shows it.
    #[serde(default)]
    pub delivery_id: Option<DeliveryId>,
    /// The message that shows it.
    #[serde(default)]
    pub message_id: Option<MessageId>,
    /// What was found.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "Reads two of the three formats; the third fails on the sample of March.")]
    pub text: Text,
}

/// How the money should be divided, and why.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDispute {
    /// The developer's part of what is disputed, minor units.
    #[schema(minimum = 0, example = 420000)]
    #[validate(range(min = 0))]
    pub developer_amount: i64,
    /// The client's part. Both sum to what is disputed.
    #[schema(minimum = 0, example = 210000)]
    #[validate(range(min = 0))]
    pub client_amount: i64,
    /// Why.
    #[validate(length(min = 20, max = 10_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 10000, example = "Two formats of three were agreed to be enough, as the messages of May show.")]
    pub reason: Text,
    /// What it rests on.
    #[validate(nested, length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    pub findings: Vec<FindingInput>,
}

/// The answer to an appeal.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideAppeal {
    /// Was a sum wrong?
    pub outcome: AppealOutcome,
    /// The developer's part by right sums, when one was.
    #[serde(default)]
    #[schema(minimum = 0, example = 420000)]
    #[validate(range(min = 0))]
    pub developer_amount: Option<i64>,
    /// Why.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 4000, example = "The three shares of the findings sum to 420,000.")]
    pub reason: Text,
}

/// Makes a ruling of what was given: its parts sum to the balance, its findings rest on the case.
async fn ruling(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    case: &Case,
    input: &RuleDispute,
) -> Result<Ruling> {
    let findings: Vec<Finding> = input
        .findings
        .iter()
        .map(|one| Finding {
            deliverable_id: one.deliverable_id,
            delivery_id: one.delivery_id,
            message_id: one.message_id,
            text: one.text.to_string(),
        })
        .collect();
    let named: Vec<Uuid> = findings.iter().filter_map(|one| one.message_id).map(|id| id.uuid()).collect();
    let deliveries = store::milestones::deliveries(conn, case.milestone.id).await?;
    let messages = store::disputes::messages_of(conn, case.contract.id, &named).await?;
    let record = Record {
        deliverables: case.milestone.document.deliverables.iter().map(|one| one.id).collect(),
        deliveries: deliveries.iter().map(|one| DeliveryId::from_uuid(one.id)).collect(),
        messages: messages.into_iter().map(MessageId::from_uuid).collect(),
    };
    let mut errors = FieldErrors::new();
    check_findings(&findings, &record, &mut errors);
    let sums = input.developer_amount.checked_add(input.client_amount) == Some(case.row.amount);
    let detail = format!("and `developer_amount` must sum to {}: what is disputed", case.row.amount);
    errors.check(sums, "/client_amount", "inconsistent", &detail);
    errors.finish()?;
    Ok(Ruling {
        by: actor.account_id,
        developer: input.developer_amount,
        reason: input.reason.to_string(),
        findings,
        at: ctx.clock.now(),
    })
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    row: &DisputeRow,
    action: &'static str,
    reason: &str,
    data: Value,
) -> Result<()> {
    let entry = audit::Entry {
        actor: Some(actor.account_id),
        action,
        subject: row.dispute_id().to_string(),
        reason: Some(reason),
        data,
    };
    audit::record(ctx, conn, entry).await
}

/// The mediator proposes; both sides answer within five days.
///
/// # Errors
/// `guard_failed` for who has a part in the case; `invalid_fields`.
pub async fn propose_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    input: &RuleDispute,
) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "propose").await?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let proposal = ruling(ctx, conn, actor, &case, input).await?;
    case.row.state = DISPUTE.transition(&case.row.state, "propose", &role.who())?.to.to_owned();
    case.row.mediator_id = Some(actor.account_id.uuid());
    case.row.proposal = Some(Json(proposal));
    let until = ctx.clock.now() + Duration::days(ctx.policy.disputes.proposal_answer_days);
    wait(ctx, conn, &mut case.row, "give_up_proposal", until).await?;
    save(ctx, conn, &mut case.row).await?;
    let data = json!({ "developer_amount": input.developer_amount, "due_at": until });
    notify::dispute(ctx, conn, &case, "dispute.proposed", data.clone(), false).await?;
    notify::mail_dispute_ruled(ctx, conn, &case, input.developer_amount, until, false).await?;
    record(ctx, conn, actor, &case.row, "dispute.propose", &input.reason, data).await?;
    detail(conn, actor, case).await
}

/// Somebody else is to decide.
pub(super) async fn to_arbitration(
    ctx: &Ctx,
    conn: &mut Conn,
    case: &mut Case,
    event: &str,
    who: &[Who],
) -> Result<()> {
    let policy = &ctx.policy.disputes;
    case.row.state = DISPUTE.transition(&case.row.state, event, who)?.to.to_owned();
    case.row.fee = arbitration_fee(case.row.balance()?, policy.arbitration_fee_bps);
    let until = add_business_days(ctx.clock.now(), policy.award_business_days);
    wait(ctx, conn, &mut case.row, "award_overdue", until).await?;
    save(ctx, conn, &mut case.row).await?;
    let data = json!({ "due_at": until, "arbitration_fee": case.row.fee });
    notify::dispute(ctx, conn, case, "dispute.arbitrator_wanted", data, true).await
}

/// The arbitrator decides; a large award holds when a second person has confirmed it.
///
/// # Errors
/// `guard_failed` for who has a part in the case or has proposed in it; `invalid_fields`.
pub async fn award_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    input: &RuleDispute,
) -> Result<DisputeDetail> {
    let (mut case, _) = begin(conn, actor, id, "award").await?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let award = ruling(ctx, conn, actor, &case, input).await?;
    let amount = case.row.balance()?;
    let data = json!({ "developer_amount": award.developer });
    if needs_second_person(ctx, amount) {
        let proposed = Proposed {
            act: MoneyAct::DisputeAward,
            subject: case.row.id,
            of: Some((case.milestone.id, case.contract.id)),
            amount,
            beneficiary: None,
            payload: serde_json::to_value(&award).map_err(Error::internal)?,
            reason: &input.reason,
        };
        propose_act_in(ctx, conn, actor, proposed).await?;
    } else {
        take(ctx, conn, &mut case, award).await?;
    }
    record(ctx, conn, actor, &case.row, "dispute.award", &input.reason, data).await?;
    detail(conn, actor, case).await
}

/// A second person has confirmed an award, in the transaction in which the payments note it.
///
/// # Errors
/// `state_conflict` when the sides have agreed meanwhile, or the second person has a part in the case.
pub async fn confirmed(ctx: &Ctx, conn: &mut Conn, id: Uuid, payload: &Value, by: AccountId) -> Result<()> {
    let mut case = case(conn, DisputeId::from_uuid(id)).await?;
    if store::disputes::is_tied(conn, by, case.contract.id).await? || case.row.mediator_id == Some(by.uuid())
    {
        return Err(Error::new(Code::StateConflict, "You have a part in the case: another person confirms."));
    }
    let award: Ruling = serde_json::from_value(payload.clone()).map_err(Error::internal)?;
    take(ctx, conn, &mut case, award).await
}

/// The award holds; it is carried out after the days in which an error of arithmetic can be shown.
async fn take(ctx: &Ctx, conn: &mut Conn, case: &mut Case, mut award: Ruling) -> Result<()> {
    // The payer's bank may have taken a part since it was proposed.
    award.developer = award.developer.min(case.row.amount);
    case.row.state = DISPUTE.transition(&case.row.state, "award", REVIEWER)?.to.to_owned();
    case.row.arbitrator_id = Some(award.by.uuid());
    let developer = award.developer;
    case.row.award = Some(Json(award));
    let until = ctx.clock.now() + Duration::days(ctx.policy.disputes.appeal_days);
    wait(ctx, conn, &mut case.row, "execute", until).await?;
    save(ctx, conn, &mut case.row).await?;
    let data = json!({ "developer_amount": developer, "due_at": until });
    notify::dispute(ctx, conn, case, "dispute.awarded", data, false).await?;
    notify::mail_dispute_ruled(ctx, conn, case, developer, until, true).await
}

/// Somebody else answers the appeal: the award stands, or its sum is corrected.
///
/// # Errors
/// `guard_failed` for who has proposed or decided in the case; `invalid_fields`.
pub async fn decide_appeal_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    seen: &IfMatch,
    input: &DecideAppeal,
) -> Result<DisputeDetail> {
    let (mut case, _) = begin(conn, actor, id, "decide_appeal").await?;
    seen.check(case.row.version)?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let row = &mut case.row;
    let (Some(award), Some(appeal)) = (&mut row.award, &mut row.appeal) else {
        return Err(Error::internal("an award or its appeal is missing"));
    };
    match (input.outcome, input.developer_amount) {
        (AppealOutcome::Corrected, Some(part)) => {
            check_part(part, row.amount, "/developer_amount")?;
            award.developer = part;
        }
        (AppealOutcome::Corrected, None) => {
            return Err(Error::invalid_field("/developer_amount", "required", "is needed with a correction"));
        }
        (AppealOutcome::Upheld, Some(_)) => {
            return Err(Error::invalid_field("/developer_amount", "not_allowed", "goes with a correction"));
        }
        (AppealOutcome::Upheld, None) => {}
    }
    appeal.decided_by = Some(actor.account_id);
    appeal.outcome = Some(input.outcome);
    appeal.answer = Some(input.reason.to_string());
    let (developer, awarded_at) = (award.developer, award.at);
    row.appeal_judge_id = Some(actor.account_id.uuid());
    let now = ctx.clock.now();
    let until = (awarded_at + Duration::days(ctx.policy.disputes.appeal_days)).max(now);
    wait(ctx, conn, row, "execute", until).await?;
    save(ctx, conn, row).await?;
    let data = json!({ "outcome": input.outcome, "developer_amount": developer });
    notify::dispute(ctx, conn, &case, "dispute.appeal_decided", data.clone(), false).await?;
    record(ctx, conn, actor, &case.row, "dispute.decide_appeal", &input.reason, data).await?;
    detail(conn, actor, case).await
}

/// Disputes in a state, newest first, for those who mediate and arbitrate.
///
/// # Errors
/// The database's failure.
pub async fn list(
    conn: &mut Conn,
    actor: &Actor,
    state: Option<DisputeState>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DisputeDetail>> {
    let mut all = Vec::new();
    for row in store::disputes::list(conn, state.map(DisputeState::as_str), before, limit).await? {
        all.push(super::seen(conn, actor, row).await?);
    }
    Ok(all)
}
