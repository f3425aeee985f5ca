//! Change orders: proposed, countered, accepted, effective when what they add is paid.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, ChangeOrderId, ContractId, MilestoneId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Money, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::timers;
use assay_platform::web::IfMatch;
use assay_projects::AcceptanceKind;
use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use super::decide::{Order, decide};
use super::{draw, funding, lock, notify, read, save, save_milestone, seat};
use crate::model::{
    CHANGE_ORDER, CONTRACT, Changes, Check, ContractState, DecisionKind, Deliverable, MILESTONE, Milestone,
    MilestoneState, Move, Side, canonical, content_hash, due_at,
};
use crate::store;
use crate::store::change_orders::ChangeOrderRow;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

const SYSTEM: &[Who] = &[Who::System];

/// What is to change. The amount and the deliverables of a milestone never change: drop it, and add another.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Propose {
    /// Why.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "A fourth format has to be read.")]
    pub reason: Text,
    /// Milestones to add; the change takes effect when all of them are paid.
    #[serde(default)]
    #[validate(nested, length(max = 10))]
    #[schema(max_items = 10)]
    pub add: Vec<AddMilestone>,
    /// Milestones to drop; held money goes back.
    #[serde(default)]
    #[validate(length(max = 20))]
    #[schema(max_items = 20)]
    pub drop: Vec<MilestoneId>,
    /// Milestones that are not paid yet, to be due at another date.
    #[serde(default, rename = "move")]
    #[validate(nested, length(max = 20))]
    #[schema(max_items = 20)]
    pub moved: Vec<Move>,
}

/// A milestone to add.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMilestone {
    /// What it is.
    #[validate(length(min = 3, max = 200), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 200, example = "The fourth format")]
    pub title: Text,
    /// What the developer is paid for it, minor units of the contract's currency.
    #[validate(range(min = 1, max = 1_000_000_000_000_i64))]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 150000)]
    pub amount: i64,
    /// When it is due.
    #[schema(example = "2027-05-31")]
    pub due_on: NaiveDate,
    /// What is delivered.
    #[validate(nested, length(min = 1, max = 30))]
    #[schema(min_items = 1, max_items = 30)]
    pub deliverables: Vec<AddDeliverable>,
}

/// A deliverable of such a milestone.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDeliverable {
    /// What it is.
    #[validate(length(min = 3, max = 200), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 200, example = "Importer of the fourth format")]
    pub title: Text,
    /// What it must be.
    #[validate(length(min = 3, max = 5_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 5000)]
    pub specification: Text,
    /// Its share of the milestone, in basis points.
    #[validate(range(min = 1, max = 10_000))]
    #[schema(minimum = 1, maximum = 10000, example = 10000)]
    pub weight_bps: u32,
    /// What the client looks at.
    #[validate(length(min = 3, max = 500), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 500, example = "Last month's file loads without an error.")]
    pub criterion: Text,
}

/// A change order and what the caller can do with it.
#[derive(Debug)]
pub struct ChangeOrderDetail {
    /// The row.
    pub row: ChangeOrderRow,
    /// What the caller can do.
    pub actions: Actions,
}

impl ChangeOrderRow {
    /// The change order's id.
    pub fn change_order_id(&self) -> ChangeOrderId {
        ChangeOrderId::from_uuid(self.id)
    }

    /// Who proposed last.
    pub fn proposed_by(&self) -> AccountId {
        AccountId::from_uuid(self.proposed_by_id)
    }

    /// Which side answers.
    pub fn asked(&self) -> Result<Side> {
        self.asked.parse()
    }
}

fn blocked(contract: &ContractRow, row: &ChangeOrderRow, side: Option<Side>, guard: &str) -> Option<String> {
    let asked = row.asked().ok();
    match guard {
        "asked_of_you" => (asked != side).then(|| "The other side answers.".to_owned()),
        "proposed_by_you" => (asked == side).then(|| "The other side proposed it.".to_owned()),
        "contract_active" => (contract.state != ContractState::Active.as_str())
            .then(|| format!("The contract is {}.", contract.state)),
        _ => None,
    }
}

async fn shown(
    conn: &mut Conn,
    actor: &Actor,
    contract: &ContractRow,
    row: ChangeOrderRow,
) -> Result<ChangeOrderDetail> {
    let seat = seat(conn, actor, contract).await?;
    let actions =
        CHANGE_ORDER.actions(&row.state, &seat.who(), |_, guard| blocked(contract, &row, seat.side, guard));
    Ok(ChangeOrderDetail { row, actions })
}

fn changes_of(
    ctx: &Ctx,
    contract: &ContractRow,
    input: &Propose,
    milestones: &[MilestoneRow],
) -> Result<Changes> {
    let mut errors = FieldErrors::new();
    let today = ctx.clock.now().date_naive();
    let dates = input.add.iter().enumerate().map(|(i, one)| (format!("/add/{i}/due_on"), one.due_on));
    let moved = input.moved.iter().enumerate().map(|(i, one)| (format!("/move/{i}/due_on"), one.due_on));
    for (pointer, day) in dates.chain(moved) {
        let within = day >= today && day <= today + chrono::Days::new(730);
        errors.check(within, &pointer, "out_of_range", "must not be past, nor more than two years away");
    }
    let add = input
        .add
        .iter()
        .map(|one| {
            let deliverables = one.deliverables.iter().map(|deliverable| Deliverable {
                id: ctx.ids.id(),
                title: deliverable.title.to_string(),
                specification: deliverable.specification.to_string(),
                weight_bps: deliverable.weight_bps,
                check: Check {
                    kind: AcceptanceKind::Human,
                    criterion: deliverable.criterion.to_string(),
                    account_id: None,
                },
            });
            contract.terms.with_fees(Milestone {
                id: ctx.ids.id(),
                title: one.title.to_string(),
                amount: one.amount,
                client_fee: 0,
                developer_fee: 0,
                due_on: one.due_on,
                deliverables: deliverables.collect(),
            })
        })
        .collect();
    let changes = Changes { add, drop: input.drop.clone(), moved: input.moved.clone() };
    changes.faults(&open(milestones)?, &mut errors);
    errors.finish()?;
    Ok(changes)
}

/// Milestones that can be dropped, with whether they are planned only.
fn open(milestones: &[MilestoneRow]) -> Result<Vec<(MilestoneId, bool)>> {
    let mut open = Vec::new();
    for row in milestones {
        let state = row.state()?;
        if !state.is_closed() && state != MilestoneState::Disputed {
            open.push((row.milestone_id(), state == MilestoneState::Planned));
        }
    }
    Ok(open)
}

/// Proposes a change.
///
/// # Errors
/// `already_exists` while another change order is open.
pub async fn propose_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    input: &Propose,
) -> Result<ChangeOrderDetail> {
    let (contract, seat) = lock(conn, actor, id).await?;
    CONTRACT.transition(&contract.state, "propose_change", &seat.who())?;
    let side = seat.acting()?;
    let milestones = store::milestones::of_contract(conn, contract.id).await?;
    let changes = changes_of(ctx, &contract, input, &milestones)?;
    let now = ctx.clock.now();
    let row = ChangeOrderRow {
        id: ctx.ids.uuid(),
        contract_id: contract.id,
        proposed_by_id: actor.account_id.uuid(),
        asked: side.other().to_string(),
        state: CHANGE_ORDER.initial.to_owned(),
        changes: Json(changes),
        reason: input.reason.to_string(),
        expires_at: now + Duration::days(ctx.policy.contracts.change_order_days),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::change_orders::insert(conn, &row).await.map_err(|error| {
        if error.violates("change_orders_one_open") {
            Error::new(Code::AlreadyExists, "Another change order of this contract is open.")
        } else {
            error.into()
        }
    })?;
    timers::set(ctx, conn, CHANGE_ORDER.name, row.id, "expire", row.expires_at).await?;
    tell(ctx, conn, &contract, &row, "change_order.proposed").await?;
    notify::mail_change(ctx, conn, &contract, side.other(), &row.reason, row.expires_at).await?;
    shown(conn, actor, &contract, row).await
}

/// Locks a change order (its contract first) for an act of the actor.
async fn begin(
    conn: &mut Conn,
    actor: &Actor,
    id: ChangeOrderId,
    seen: &IfMatch,
    event: &str,
) -> Result<(ContractRow, ChangeOrderRow, Side)> {
    let missing = || Error::not_found("change order");
    let found = store::change_orders::find(conn, id).await?.ok_or_else(missing)?;
    let (contract, seat) =
        lock(conn, actor, ContractId::from_uuid(found.contract_id)).await.map_err(|_| missing())?;
    // Every writer of a change order holds the lock of its contract.
    let mut row = store::change_orders::find(conn, id).await?.ok_or_else(missing)?;
    let transition = CHANGE_ORDER.transition(&row.state, event, &seat.who())?;
    let side = seat.acting()?;
    seen.check(row.version)?;
    CHANGE_ORDER.check(transition, |guard| blocked(&contract, &row, Some(side), guard))?;
    row.state = transition.to.to_owned();
    Ok((contract, row, side))
}

async fn save_order(ctx: &Ctx, conn: &mut Conn, row: &mut ChangeOrderRow) -> Result<()> {
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    Ok(store::change_orders::update(conn, row).await?)
}

async fn tell(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &ChangeOrderRow,
    kind: &str,
) -> Result<()> {
    let data: Value = json!({
        "change_order_id": row.change_order_id(), "change_order_state": row.state, "expires_at": row.expires_at,
    });
    notify::contract(ctx, conn, contract, kind, data).await
}

/// Answers with other changes.
pub async fn counter_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ChangeOrderId,
    seen: &IfMatch,
    input: &Propose,
) -> Result<ChangeOrderDetail> {
    let (contract, mut row, side) = begin(conn, actor, id, seen, "counter").await?;
    let milestones = store::milestones::of_contract(conn, contract.id).await?;
    row.changes = Json(changes_of(ctx, &contract, input, &milestones)?);
    row.reason = input.reason.to_string();
    row.asked = side.other().to_string();
    row.expires_at = ctx.clock.now() + Duration::days(ctx.policy.contracts.change_order_days);
    timers::set(ctx, conn, CHANGE_ORDER.name, row.id, "expire", row.expires_at).await?;
    save_order(ctx, conn, &mut row).await?;
    tell(ctx, conn, &contract, &row, "change_order.countered").await?;
    notify::mail_change(ctx, conn, &contract, side.other(), &row.reason, row.expires_at).await?;
    shown(conn, actor, &contract, row).await
}

/// Accepts. What adds nothing takes effect at once; what adds milestones takes effect when they are paid.
///
/// # Errors
/// `state_conflict` when a milestone that it drops or moves was decided or paid meanwhile.
pub async fn accept_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ChangeOrderId,
    seen: &IfMatch,
) -> Result<ChangeOrderDetail> {
    let (mut contract, mut row, _) = begin(conn, actor, id, seen, "accept").await?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let milestones = store::milestones::lock_all(conn, contract.id).await?;
    let mut errors = FieldErrors::new();
    row.changes.faults(&open(&milestones)?, &mut errors);
    if errors.finish().is_err() {
        let detail = "A milestone that it names was decided or paid meanwhile; propose another change.";
        return Err(Error::new(Code::StateConflict, detail));
    }
    if row.changes.wants_funding() {
        let added = row.changes.add.iter().enumerate().map(|(i, milestone)| {
            draw::fresh(ctx, &contract, milestone, milestones.len().saturating_add(i), Some(row.id))
        });
        store::milestones::insert(conn, &added.collect::<Vec<_>>()).await?;
        row.expires_at = ctx.clock.now() + Duration::days(ctx.policy.contracts.change_order_days);
        timers::set(ctx, conn, CHANGE_ORDER.name, row.id, "expire", row.expires_at).await?;
        save_order(ctx, conn, &mut row).await?;
        tell(ctx, conn, &contract, &row, "change_order.accepted").await?;
    } else {
        take_effect(ctx, conn, &mut contract, &mut row).await?;
    }
    shown(conn, actor, &contract, row).await
}

/// Refuses, or takes back.
pub async fn end_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ChangeOrderId,
    seen: &IfMatch,
    event: &str,
) -> Result<ChangeOrderDetail> {
    let (contract, mut row, _) = begin(conn, actor, id, seen, event).await?;
    timers::clear(conn, CHANGE_ORDER.name, row.id, &[]).await?;
    save_order(ctx, conn, &mut row).await?;
    tell(ctx, conn, &contract, &row, &format!("change_order.{}", row.state)).await?;
    shown(conn, actor, &contract, row).await
}

/// Makes an accepted change part of the contract.
async fn take_effect(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut ChangeOrderRow,
) -> Result<()> {
    row.state = CHANGE_ORDER.transition(&row.state, "take_effect", SYSTEM)?.to.to_owned();
    timers::clear(conn, CHANGE_ORDER.name, row.id, &[]).await?;
    save_order(ctx, conn, row).await?;

    let terms = row.changes.applied(&contract.terms);
    let text = canonical(&serde_json::to_value(&terms).map_err(Error::internal)?);
    let edition = i32::try_from(terms.edition).map_err(Error::internal)?;
    let hash = content_hash(&text);
    store::contracts::insert_edition(conn, contract.id, edition, &text, &hash, ctx.clock.now()).await?;
    contract.terms = Json(terms);
    save(ctx, conn, contract).await?;
    tell(ctx, conn, contract, row, "change_order.effective").await?;

    for mut milestone in store::milestones::lock_all(conn, contract.id).await? {
        let id = milestone.milestone_id();
        let state = milestone.state()?;
        let moved = row.changes.moved.iter().find(|moved| moved.milestone_id == id);
        if let (Some(moved), MilestoneState::Planned) = (moved, state) {
            milestone.due_at = due_at(moved.due_on);
            milestone.document.due_on = moved.due_on;
            save_milestone(ctx, conn, &mut milestone).await?;
        }
        // What was decided while the payment was awaited stays decided.
        if !row.changes.drop.contains(&id) || state.is_closed() || state == MilestoneState::Disputed {
            continue;
        }
        if state.is_undecided() {
            drop_held(ctx, conn, contract, &mut milestone).await?;
        } else {
            milestone.state = MILESTONE.transition(&milestone.state, "drop", SYSTEM)?.to.to_owned();
            save_milestone(ctx, conn, &mut milestone).await?;
        }
    }
    super::lifecycle::complete_if_done(ctx, conn, contract).await
}

/// Is a milestone of a change order that has not taken effect, since others of it are not paid?
pub(super) async fn is_awaited(conn: &mut Conn, milestone: &MilestoneRow) -> Result<bool> {
    let Some(id) = milestone.change_order_id else { return Ok(false) };
    let order = store::change_orders::find(conn, ChangeOrderId::from_uuid(id)).await?;
    Ok(order.is_some_and(|order| order.state != "effective"))
}

/// What was not accepted of a dropped milestone goes back.
pub(super) async fn drop_held(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &mut MilestoneRow,
) -> Result<()> {
    let accepted = Money::new(milestone.so_far().accepted(), milestone.currency()?);
    let order = Order { kind: DecisionKind::Dropped, event: "drop", who: SYSTEM, by: None, accepted };
    decide(ctx, conn, contract, milestone, order).await.map(drop)
}

/// A milestone was paid: the change order that added it takes effect with the last one.
pub(super) async fn take_effect_if_funded(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &MilestoneRow,
) -> Result<()> {
    let Some(id) = milestone.change_order_id else { return Ok(()) };
    let Some(mut row) = store::change_orders::find(conn, ChangeOrderId::from_uuid(id)).await? else {
        return Ok(());
    };
    let added = store::milestones::of_contract(conn, contract.id).await?;
    let unpaid = |row: &MilestoneRow| matches!(row.state.as_str(), "planned" | "funding_pending");
    if row.state != "accepted" || added.iter().any(|other| other.change_order_id == Some(id) && unpaid(other))
    {
        return Ok(());
    }
    take_effect(ctx, conn, contract, &mut row).await
}

/// The clock of a change order.
pub(super) async fn expire(ctx: &Ctx, conn: &mut Conn, id: ChangeOrderId) -> Result<()> {
    let Some(found) = store::change_orders::find(conn, id).await? else { return Ok(()) };
    let contract = store::contracts::lock(conn, ContractId::from_uuid(found.contract_id)).await?;
    let (Some(contract), Some(mut row)) = (contract, store::change_orders::find(conn, id).await?) else {
        return Ok(());
    };
    let now = ctx.clock.now();
    if row.expires_at > now || CHANGE_ORDER.transition(&row.state, "expire", SYSTEM).is_err() {
        return Ok(());
    }
    let milestones = store::milestones::of_contract(conn, contract.id).await?;
    if milestones.iter().any(|one| one.change_order_id == Some(row.id) && one.state == "funding_pending") {
        // A bank debit may take days; it is looked at again.
        return timers::set(ctx, conn, CHANGE_ORDER.name, row.id, "expire", now + Duration::days(1)).await;
    }
    end(ctx, conn, &contract, &mut row).await
}

async fn end(ctx: &Ctx, conn: &mut Conn, contract: &ContractRow, row: &mut ChangeOrderRow) -> Result<()> {
    row.state = CHANGE_ORDER.transition(&row.state, "expire", SYSTEM)?.to.to_owned();
    timers::clear(conn, CHANGE_ORDER.name, row.id, &[]).await?;
    save_order(ctx, conn, row).await?;
    funding::drop_unpaid_of(ctx, conn, contract, row.id).await?;
    tell(ctx, conn, contract, row, "change_order.expired").await
}

/// The contract ends: so does the change order that is open.
pub(super) async fn expire_open(ctx: &Ctx, conn: &mut Conn, contract: &ContractRow) -> Result<()> {
    match store::change_orders::open(conn, contract.id).await? {
        Some(mut row) => end(ctx, conn, contract, &mut row).await,
        None => Ok(()),
    }
}

/// A change order, for who may see the contract.
pub async fn get(conn: &mut Conn, actor: &Actor, id: ChangeOrderId) -> Result<ChangeOrderDetail> {
    let missing = || Error::not_found("change order");
    let row = store::change_orders::find(conn, id).await?.ok_or_else(missing)?;
    let (contract, _) =
        read(conn, actor, ContractId::from_uuid(row.contract_id)).await.map_err(|_| missing())?;
    shown(conn, actor, &contract, row).await
}

/// The change orders of a contract, oldest first.
pub async fn list(conn: &mut Conn, actor: &Actor, id: ContractId) -> Result<Vec<ChangeOrderDetail>> {
    let (contract, _) = read(conn, actor, id).await?;
    let mut all = Vec::new();
    for row in store::change_orders::of_contract(conn, contract.id).await? {
        all.push(shown(conn, actor, &contract, row).await?);
    }
    Ok(all)
}
