//! What the parties are told: events in the feed, and mail.

use assay_kernel::ids::{AccountId, MoneyDecisionId};
use assay_kernel::{Money, Permission, Result};
use assay_notifications::{NewMail, Template, enqueue_mail};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::decide;
use super::disputes::Case;
use crate::model::{DecisionKind, Side};
use crate::store::contracts::ContractRow;
use crate::store::milestones::{DecisionRow, MilestoneRow};

fn with(mut data: Value, extra: Value) -> Value {
    if let (Some(target), Value::Object(extra)) = (data.as_object_mut(), extra) {
        target.extend(extra);
    }
    data
}

fn parties(contract: &ContractRow) -> [Audience; 2] {
    [Audience::Account(contract.developer()), Audience::Organisation(contract.organisation())]
}

/// Tells both sides of a contract.
pub async fn contract(ctx: &Ctx, conn: &mut Conn, row: &ContractRow, kind: &str, data: Value) -> Result<()> {
    let data = with(json!({ "contract_id": row.contract_id(), "state": row.state }), data);
    outbox::publish(ctx, conn, kind, row.contract_id().to_string(), data, &parties(row)).await
}

/// Tells both sides of a milestone.
pub async fn milestone(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &MilestoneRow,
    kind: &str,
    data: Value,
) -> Result<()> {
    let about = json!({
        "contract_id": contract.contract_id(), "milestone_id": row.milestone_id(), "state": row.state,
    });
    outbox::publish(ctx, conn, kind, row.milestone_id().to_string(), with(about, data), &parties(contract))
        .await
}

/// Tells the finance staff of a milestone.
pub async fn finance(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &MilestoneRow,
    kind: &str,
) -> Result<()> {
    let data = json!({
        "contract_id": contract.contract_id(), "milestone_id": row.milestone_id(), "state": row.state,
    });
    let staff = [Audience::Staff(Permission::Finance)];
    outbox::publish(ctx, conn, kind, row.milestone_id().to_string(), data, &staff).await
}

/// Tells of a decision, by event and by mail to whom it gives something.
pub async fn decided(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &MilestoneRow,
    decision: &DecisionRow,
) -> Result<()> {
    let data =
        with(decide::told(row, decision)?, json!({ "decision_id": MoneyDecisionId::from_uuid(decision.id) }));
    milestone(ctx, conn, contract, row, "milestone.decided", data).await?;
    let (currency, title, url) = (row.currency()?, row.document.title.clone(), milestone_url(ctx, row));
    if decision.released > 0 {
        let amount =
            Money::new(decision.released.saturating_sub(decision.developer_fee), currency).to_string();
        let by_silence = decision.kind == DecisionKind::AutoAccepted.as_str();
        let template = Template::MilestonePaid { title: title.clone(), url: url.clone(), amount, by_silence };
        mail(ctx, conn, contract.developer(), template).await?;
    }
    // Of what a bank gave back it tells its client itself.
    let by_bank = decision.kind == DecisionKind::TakenByBank.as_str();
    let refunded = if by_bank { 0 } else { decision.refunded };
    let back = [refunded, decision.refunded_fee, decision.taken_back, decision.taken_back_fee];
    let back = back.into_iter().fold(0, i64::saturating_add);
    if back > 0 {
        let amount = Money::new(back, currency).to_string();
        mail(ctx, conn, contract.speaker(), Template::MoneyReturned { title, url, amount }).await?;
    }
    Ok(())
}

pub(super) fn contract_url(ctx: &Ctx, row: &ContractRow) -> String {
    format!("{}/v1/contracts/{}", ctx.config.public_url(), row.contract_id())
}

pub(super) fn milestone_url(ctx: &Ctx, row: &MilestoneRow) -> String {
    format!("{}/v1/milestones/{}", ctx.config.public_url(), row.milestone_id())
}

async fn mail(ctx: &Ctx, conn: &mut Conn, to: AccountId, template: Template) -> Result<()> {
    enqueue_mail(ctx, conn, NewMail::to(to, template)).await.map(drop)
}

/// Tells both sides of a dispute, and `staff` who mediate and arbitrate.
pub(super) async fn dispute(
    ctx: &Ctx,
    conn: &mut Conn,
    case: &Case,
    kind: &str,
    data: Value,
    staff: bool,
) -> Result<()> {
    let about = json!({
        "contract_id": case.contract.contract_id(), "milestone_id": case.milestone.milestone_id(),
        "state": case.row.state,
    });
    let mut audience = parties(&case.contract).to_vec();
    audience.extend(staff.then_some(Audience::Staff(Permission::Reviewer)));
    outbox::publish(ctx, conn, kind, case.row.dispute_id().to_string(), with(about, data), &audience).await
}

fn dispute_url(ctx: &Ctx, case: &Case) -> String {
    format!("{}/v1/disputes/{}", ctx.config.public_url(), case.row.dispute_id())
}

/// A side is asked to answer a dispute; `again` for the second notice.
pub(super) async fn mail_dispute_opened(
    ctx: &Ctx,
    conn: &mut Conn,
    case: &Case,
    asked: Side,
    until: DateTime<Utc>,
    again: bool,
) -> Result<()> {
    let (title, url) = (case.milestone.document.title.clone(), dispute_url(ctx, case));
    let template = match again {
        true => Template::DisputeUnanswered { title, url, until },
        false => Template::DisputeOpened { title, url, reason: case.row.reason.clone(), until },
    };
    mail(ctx, conn, speaker(&case.contract, asked), template).await
}

/// Staff have proposed a division of the money, or `awarded` it.
pub(super) async fn mail_dispute_ruled(
    ctx: &Ctx,
    conn: &mut Conn,
    case: &Case,
    developer: i64,
    until: DateTime<Utc>,
    awarded: bool,
) -> Result<()> {
    let balance = case.row.balance()?;
    let money = |amount| Money::new(amount, balance.currency).to_string();
    for side in [Side::Client, Side::Developer] {
        let (title, url) = (case.milestone.document.title.clone(), dispute_url(ctx, case));
        let (developer, client) = (money(developer), money(balance.amount.saturating_sub(developer)));
        let template = match awarded {
            true => Template::DisputeAwarded { title, url, developer, client, until },
            false => Template::DisputeProposed { title, url, developer, client, until },
        };
        mail(ctx, conn, speaker(&case.contract, side), template).await?;
    }
    Ok(())
}

fn speaker(contract: &ContractRow, side: Side) -> AccountId {
    match side {
        Side::Client => contract.speaker(),
        Side::Developer => contract.developer(),
    }
}

/// A contract waits for a side's signature.
pub async fn mail_to_sign(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ContractRow,
    side: Side,
    until: DateTime<Utc>,
) -> Result<()> {
    let (title, url) = (row.terms.title.clone(), contract_url(ctx, row));
    mail(ctx, conn, speaker(row, side), Template::ContractToSign { title, url, until }).await
}

/// Both have signed; the client pays.
pub async fn mail_to_fund(ctx: &Ctx, conn: &mut Conn, row: &ContractRow, until: DateTime<Utc>) -> Result<()> {
    let (title, url) = (row.terms.title.clone(), contract_url(ctx, row));
    mail(ctx, conn, row.speaker(), Template::ContractToFund { title, url, until }).await
}

/// A side proposed a change.
pub async fn mail_change(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ContractRow,
    asked: Side,
    reason: &str,
    until: DateTime<Utc>,
) -> Result<()> {
    let (title, url, reason) = (row.terms.title.clone(), contract_url(ctx, row), reason.to_owned());
    mail(ctx, conn, speaker(row, asked), Template::ChangeProposed { title, url, reason, until }).await
}

/// The contract ends, or may.
pub async fn mail_ending(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &ContractRow,
    told: Side,
    reason: &str,
    until: Option<DateTime<Utc>>,
) -> Result<()> {
    let (title, url, reason) = (row.terms.title.clone(), contract_url(ctx, row), reason.to_owned());
    mail(ctx, conn, speaker(row, told), Template::ContractEnding { title, url, reason, until }).await
}

/// A delivery is to be reviewed; `again` for the warnings.
pub async fn mail_review(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &MilestoneRow,
    until: DateTime<Utc>,
    again: bool,
) -> Result<()> {
    let (title, url) = (row.document.title.clone(), milestone_url(ctx, row));
    let template = match again {
        true => Template::ReviewEnding { title, url, until },
        false => Template::MilestoneDelivered { title, url, until },
    };
    mail(ctx, conn, contract.speaker(), template).await
}

/// The client asks for the money back.
pub async fn mail_refund_asked(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &MilestoneRow,
    reason: &str,
    until: DateTime<Utc>,
) -> Result<()> {
    let (title, url, reason) = (row.document.title.clone(), milestone_url(ctx, row), reason.to_owned());
    mail(ctx, conn, contract.developer(), Template::RefundAsked { title, url, reason, until }).await
}

/// Something ends soon, for both sides: the time to deliver, or the time for which money can be held.
pub async fn mail_both_late(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &MilestoneRow,
    until: DateTime<Utc>,
    held: bool,
) -> Result<()> {
    for side in [Side::Client, Side::Developer] {
        let (title, url) = (row.document.title.clone(), milestone_url(ctx, row));
        let template = match held {
            true => Template::HoldEnding { title, url, until },
            false => Template::MilestoneLate { title, url, until },
        };
        mail(ctx, conn, speaker(contract, side), template).await?;
    }
    Ok(())
}
