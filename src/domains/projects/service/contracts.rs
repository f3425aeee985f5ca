//! What contracts need of the market: the terms that both sides agreed on, and the project's states under a contract.

use assay_kernel::ids::{AccountId, BidId, OrganisationId, ProjectId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Currency, Error, Money, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use chrono::NaiveDate;
use serde_json::json;

use super::{Relation, notify};
use crate::model::{BID, Confidentiality, Milestone, PROJECT, bid_events, dollars, project_events};
use crate::store;

/// What both sides agreed on when the offer was accepted.
#[derive(Debug, Clone)]
pub struct Award {
    /// The project.
    pub project: ProjectId,
    /// Its title.
    pub title: String,
    /// The client.
    pub organisation: OrganisationId,
    /// Who speaks for it.
    pub posted_by: AccountId,
    /// Who works.
    pub developer: AccountId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The milestones, their amounts as agreed.
    pub milestones: Vec<Milestone>,
    /// When work starts.
    pub starts_on: NaiveDate,
    /// Who may read the project's text.
    pub confidentiality: Confidentiality,
    /// On top, paid by the client.
    pub client_fee_bps: u32,
    /// Taken from the developer's part.
    pub developer_fee_bps: u32,
}

/// How a project leaves its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractEnd {
    /// Cancelled before its start: the award stands.
    Cancelled,
    /// Fulfilled.
    Completed,
    /// Terminated.
    Terminated,
}

/// Takes an accepted bid and its project under contract, for one of the client's people who may hire.
///
/// # Errors
/// `not_found` when the caller may not know of the bid; `forbidden` for others than the client's hirers;
/// `state_conflict` unless the bid is accepted.
pub async fn enter_contract_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor, bid: BidId) -> Result<Award> {
    let missing = || Error::not_found("bid");
    let found = store::bids::find(conn, bid).await?.ok_or_else(missing)?;
    let mut project = store::projects::lock(conn, found.project()).await?.ok_or_else(missing)?;
    let mut row = store::bids::lock(conn, bid).await?.ok_or_else(missing)?;
    let relation = Relation::of(ctx, conn, Some(actor), project.project_id()).await?;
    if relation.role.is_none() && row.developer() != actor.account_id {
        return Err(missing());
    }
    if !relation.can_hire() {
        return Err(Error::new(Code::Forbidden, "The client's people draw the contract up."));
    }
    row.state = BID.transition(&row.state, bid_events::CONTRACT, &[Who::System])?.to.to_owned();
    project.state =
        PROJECT.transition(&project.state, project_events::CONTRACT, &[Who::System])?.to.to_owned();
    save(ctx, conn, &mut project, Some(&mut row)).await?;
    notify::project(ctx, conn, &project, "project.in_contract", json!({ "bid_id": bid })).await?;

    let mut milestones = project.milestones.0.clone();
    for milestone in &mut milestones {
        let price = row.document.prices.iter().find(|price| price.milestone_id == milestone.id);
        milestone.amount =
            price.ok_or_else(|| Error::internal("an accepted bid lacks a milestone's price"))?.amount;
    }
    let bps = |stored: i32| u32::try_from(stored).map_err(Error::internal);
    Ok(Award {
        project: project.project_id(),
        title: project.title.clone(),
        organisation: project.organisation(),
        posted_by: project.posted_by(),
        developer: row.developer(),
        currency: row.currency()?,
        milestones,
        starts_on: row.starts_on,
        confidentiality: project.confidentiality.parse()?,
        client_fee_bps: bps(row.client_fee_bps)?,
        developer_fee_bps: bps(row.developer_fee_bps)?,
    })
}

/// Takes a project out of its contract.
///
/// # Errors
/// `state_conflict` when it is under none.
pub async fn leave_contract_in(
    ctx: &Ctx,
    conn: &mut Conn,
    project: ProjectId,
    bid: BidId,
    end: ContractEnd,
) -> Result<()> {
    let mut row = store::projects::lock(conn, project).await?.ok_or_else(|| Error::not_found("project"))?;
    let (event, kind) = match end {
        ContractEnd::Cancelled => (project_events::REVERT, "project.awarded"),
        ContractEnd::Completed => (project_events::COMPLETE, "project.completed"),
        ContractEnd::Terminated => (project_events::END, "project.ended"),
    };
    row.state = PROJECT.transition(&row.state, event, &[Who::System])?.to.to_owned();
    let mut reverted = None;
    if end == ContractEnd::Cancelled {
        let mut bid = store::bids::lock(conn, bid).await?.ok_or_else(|| Error::not_found("bid"))?;
        bid.state = BID.transition(&bid.state, bid_events::REVERT, &[Who::System])?.to.to_owned();
        reverted = Some(bid);
    }
    save(ctx, conn, &mut row, reverted.as_mut()).await?;
    notify::project(ctx, conn, &row, kind, json!({ "bid_id": bid })).await
}

async fn save(
    ctx: &Ctx,
    conn: &mut Conn,
    project: &mut store::projects::ProjectRow,
    bid: Option<&mut store::bids::BidRow>,
) -> Result<()> {
    let now = ctx.clock.now();
    project.version = project.version.saturating_add(1);
    project.updated_at = now;
    store::projects::update(conn, project).await?;
    if let Some(bid) = bid {
        bid.version = bid.version.saturating_add(1);
        bid.updated_at = now;
        store::bids::update(conn, bid).await?;
    }
    Ok(())
}

/// 409 when `total` is more than the caller may commit for the organisation in one act.
///
/// # Errors
/// `guard_failed`, also when there is no rate to compare by.
pub async fn check_spending(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    organisation: OrganisationId,
    total: Money,
) -> Result<()> {
    let member = assay_identity::membership(conn, actor.account_id, organisation).await?;
    let own = member.and_then(|member| member.spending_limit_usd_minor);
    let Some(limit) = [actor.spend_limit_usd_minor, own].into_iter().flatten().min() else { return Ok(()) };
    let rate = store::rates::latest(conn, total.currency, ctx.clock.now().date_naive()).await?;
    match rate.and_then(|rate| total.to_usd_minor(rate.usd_per_unit_e9)) {
        Some(usd) if usd <= limit => Ok(()),
        Some(usd) => Err(Error::new(
            Code::GuardFailed,
            format!(
                "The total is ${} with the fee; your spending limit is ${}.",
                dollars(usd),
                dollars(limit)
            ),
        )),
        None => Err(Error::new(
            Code::GuardFailed,
            "There is no rate to compare the total with your spending limit.",
        )),
    }
}
