//! Drawing a contract up, signing it, giving it up.

use assay_identity::PresenceKind;
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, BidId, ContractId, DeliverableId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::timers;
use assay_platform::web::IfMatch;
use assay_projects::{AcceptanceKind, Award, Confidentiality, ContractEnd};
use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::views::{ContractDetail, detail};
use super::{lifecycle, lock, notify, save};
use crate::model::{
    CONTRACT, Check, ContractState, Deliverable, Fees, Holding, MILESTONE, Milestone, Party, Side, Signature,
    Standing, TemplateText, Terms, canonical, content_hash, dated, due_at,
};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

/// What the client chooses; the rest was agreed with the offer.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawUp {
    /// Days in which a delivery is reviewed; silence accepts.
    #[serde(default)]
    #[schema(minimum = 5, maximum = 14, example = 10)]
    pub review_days: Option<i32>,
    /// Rounds of changes a milestone.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 5, example = 2)]
    pub revision_limit: Option<i32>,
    /// A part that is held back after acceptance.
    #[serde(default)]
    #[validate(nested)]
    pub holdback: Option<HoldbackInput>,
    /// Who signs deliverables off whose check is a third party's.
    #[serde(default)]
    #[validate(length(max = 100))]
    #[schema(max_items = 100)]
    pub third_parties: Vec<ThirdParty>,
    /// Add the confidentiality agreement; it goes with projects under one in any case.
    #[serde(default)]
    pub confidential: bool,
}

/// A part that is held back after acceptance.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldbackInput {
    /// How much of what is accepted, in basis points.
    #[schema(minimum = 1, maximum = 2000, example = 1000)]
    pub bps: u32,
    /// Days after the acceptance at which it is released.
    #[schema(minimum = 1, maximum = 60, example = 30)]
    pub days: i32,
    /// What releases it earlier, besides the client.
    #[serde(default)]
    #[validate(nested)]
    pub condition: Option<ConditionInput>,
}

/// A condition that somebody or something else than the client tells.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionInput {
    /// The kind of check; not the client's own eyes.
    pub kind: AcceptanceKind,
    /// What is checked.
    #[validate(length(min = 3, max = 500), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 500, example = "Four weeks without an alarm")]
    pub criterion: Text,
    /// Who signs it off, for a third party's check.
    #[serde(default)]
    pub account_id: Option<AccountId>,
}

/// Who signs a deliverable off.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThirdParty {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// Who.
    pub account_id: AccountId,
}

/// Draws a contract up from an accepted bid.
///
/// # Errors
/// As [`assay_projects::enter_contract_in`]; `invalid_fields`.
pub async fn draw_up_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    bid: BidId,
    input: &DrawUp,
) -> Result<ContractDetail> {
    let award = assay_projects::enter_contract_in(ctx, conn, actor, bid).await?;
    let terms = assemble(ctx, conn, &award, bid, input).await?;
    let now = ctx.clock.now();
    let lapses_at = now + Duration::days(ctx.policy.contracts.lapse_days);
    let text = canonical(&serde_json::to_value(&terms).map_err(Error::internal)?);
    let row = ContractRow {
        id: ctx.ids.uuid(),
        project_id: award.project.uuid(),
        bid_id: bid.uuid(),
        organisation_id: award.organisation.uuid(),
        developer_id: award.developer.uuid(),
        drawn_up_by_id: actor.account_id.uuid(),
        state: CONTRACT.initial.to_owned(),
        content_hash: content_hash(&text),
        terms: Json(terms),
        signatures: Json(Vec::new()),
        proposal: None,
        reason: None,
        lapses_at: Some(lapses_at),
        paused_at: None,
        notice_until: None,
        check_secret: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::contracts::insert(conn, &row).await?;
    store::contracts::insert_edition(conn, row.id, 1, &text, &row.content_hash, now).await?;
    let milestones: Vec<MilestoneRow> = row
        .terms
        .milestones
        .iter()
        .enumerate()
        .map(|(i, milestone)| fresh(ctx, &row, milestone, i, None))
        .collect();
    store::milestones::insert(conn, &milestones).await?;
    timers::set(ctx, conn, CONTRACT.name, row.id, "lapse", lapses_at).await?;
    notify::contract(ctx, conn, &row, "contract.drawn_up", json!({ "content_hash": row.content_hash }))
        .await?;
    notify::mail_to_sign(ctx, conn, &row, Side::Developer, lapses_at).await?;
    detail(ctx, conn, actor, row).await
}

/// A milestone of a contract that nothing has happened to.
pub(super) fn fresh(
    ctx: &Ctx,
    contract: &ContractRow,
    milestone: &Milestone,
    position: usize,
    change_order: Option<Uuid>,
) -> MilestoneRow {
    let now = ctx.clock.now();
    MilestoneRow {
        id: milestone.id.uuid(),
        contract_id: contract.id,
        change_order_id: change_order,
        position: i32::try_from(position).unwrap_or(i32::MAX),
        state: MILESTONE.initial.to_owned(),
        state_before: None,
        standing: Json(milestone.deliverables.iter().map(|one| Standing::fresh(one.id)).collect()),
        amount: milestone.amount,
        currency: contract.terms.currency.code().to_owned(),
        due_at: due_at(milestone.due_on),
        document: Json(milestone.clone()),
        revisions: 0,
        funded_at: None,
        delivered_at: None,
        review_until: None,
        answer_until: None,
        reason: None,
        released: 0,
        held_back: 0,
        freed: 0,
        refunded: 0,
        developer_fee: 0,
        client_fee: 0,
        holdback_state: "none".to_owned(),
        holdback_until: None,
        transfers_due: 0,
        transfers_made: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        open_dispute_id: None,
        decided_at: None,
    }
}

async fn assemble(ctx: &Ctx, conn: &mut Conn, award: &Award, bid: BidId, input: &DrawUp) -> Result<Terms> {
    let policy = &ctx.policy.contracts;
    let mut errors = FieldErrors::new();
    let mut named = Vec::new();
    for (i, third) in input.third_parties.iter().enumerate() {
        let pointer = format!("/third_parties/{i}/account_id");
        check_third_party(conn, award, third.account_id, &pointer, &mut errors).await?;
        named.push((third.deliverable_id, third.account_id));
    }
    let holdback = match &input.holdback {
        None => None,
        Some(holding) => Some(Holding {
            bps: holding.bps,
            days: holding.days,
            condition: condition(conn, award, holding.condition.as_ref(), &mut errors).await?,
        }),
    };
    let due = dated(award.starts_on, award.milestones.iter().map(|milestone| milestone.duration_days));
    let mut milestones = Vec::with_capacity(award.milestones.len());
    for (milestone, due_on) in award.milestones.iter().zip(due) {
        let mut deliverables = Vec::with_capacity(milestone.deliverables.len());
        for one in &milestone.deliverables {
            let check = one
                .acceptance
                .as_ref()
                .ok_or_else(|| Error::internal("a listed project lacks an acceptance check"))?;
            let account_id = named.iter().find(|(id, _)| *id == one.id).map(|(_, account)| *account);
            if check.kind == AcceptanceKind::ThirdParty && account_id.is_none() {
                let detail = format!("lacks who signs off {} ({})", one.id, one.title);
                errors.push("/third_parties", "required", detail);
            }
            let check = Check { kind: check.kind, criterion: check.criterion.clone(), account_id };
            deliverables.push(Deliverable {
                id: one.id,
                title: one.title.clone(),
                specification: one.specification.clone(),
                weight_bps: one.weight_bps,
                check,
            });
        }
        milestones.push(Milestone {
            id: ctx.ids.id(),
            title: milestone.title.clone(),
            amount: milestone.amount,
            client_fee: 0,
            developer_fee: 0,
            due_on,
            deliverables,
        });
    }
    for (i, (id, _)) in named.iter().enumerate() {
        let known = milestones.iter().flat_map(|m| &m.deliverables).any(|one| one.id == *id);
        let pointer = format!("/third_parties/{i}/deliverable_id");
        errors.check(known, &pointer, "unknown_value", "is not a deliverable of the project");
    }
    let organisation = assay_identity::organisation_ref(conn, award.organisation)
        .await?
        .ok_or_else(|| Error::not_found("organisation"))?;
    let confidential = input.confidential || award.confidentiality == Confidentiality::Nda;
    let mut terms = Terms {
        format: "assay-contract-1".to_owned(),
        edition: 1,
        project_id: award.project,
        bid_id: bid,
        title: award.title.clone(),
        client: Party { id: award.organisation, name: organisation.name },
        developer: award.developer,
        currency: award.currency,
        starts_on: award.starts_on,
        fees: Fees { client_fee_bps: award.client_fee_bps, developer_fee_bps: award.developer_fee_bps },
        milestones: Vec::new(),
        review_days: input.review_days.unwrap_or(policy.review_days),
        revision_limit: input.revision_limit.unwrap_or(policy.revision_limit),
        holdback,
        confidentiality: confidential.then(|| TemplateText::from(&policy.confidentiality)),
        intellectual_property: TemplateText::from(&policy.intellectual_property),
        process_version: MILESTONE.version.to_owned(),
        policy_version: ctx.policy.version.clone(),
        rubric_version: store::contracts::rubric_version(conn).await?.unwrap_or_default(),
    };
    terms.milestones = milestones.into_iter().map(|milestone| terms.with_fees(milestone)).collect();
    terms.faults(policy, &mut errors);
    errors.finish()?;
    Ok(terms)
}

async fn condition(
    conn: &mut Conn,
    award: &Award,
    input: Option<&ConditionInput>,
    errors: &mut FieldErrors,
) -> Result<Option<Check>> {
    let Some(input) = input else { return Ok(None) };
    let pointer = "/holdback/condition/account_id";
    match (input.kind, input.account_id) {
        (AcceptanceKind::Human, _) => {
            let detail = "needs no condition: the client can release at any time";
            errors.push("/holdback/condition/kind", "not_allowed", detail);
        }
        (AcceptanceKind::ThirdParty, None) => errors.push(pointer, "required", "must name who signs off"),
        (AcceptanceKind::ThirdParty, Some(account)) => {
            check_third_party(conn, award, account, pointer, errors).await?;
        }
        (_, Some(_)) => errors.push(pointer, "not_allowed", "is for a third party's check"),
        (_, None) => {}
    }
    let criterion = input.criterion.to_string();
    Ok(Some(Check { kind: input.kind, criterion, account_id: input.account_id }))
}

/// A third party exists and belongs to neither side.
async fn check_third_party(
    conn: &mut Conn,
    award: &Award,
    account: AccountId,
    pointer: &str,
    errors: &mut FieldErrors,
) -> Result<()> {
    let known = assay_identity::account_ref(conn, account).await?.is_some();
    errors.check(known, pointer, "unknown_value", "is no account");
    let party = account == award.developer
        || assay_identity::membership(conn, account, award.organisation).await?.is_some();
    errors.check(!party, pointer, "not_allowed", "belongs to a side of the contract");
    Ok(())
}

/// Signs: the content hash names what is signed.
///
/// # Errors
/// `reauthentication_required` or `step_up_required` without a recent proof of who it is; `invalid_fields` when the
/// hash is another text's.
pub async fn sign_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    hash: &str,
) -> Result<ContractDetail> {
    let (mut row, seat) = lock(conn, actor, id).await?;
    let transition = CONTRACT.transition(&row.state, "sign", &seat.who())?;
    let side = seat.acting()?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    CONTRACT.check(transition, |_| {
        let signed = row.signatures.iter().any(|signature| signature.side == side);
        signed.then(|| "Your side has signed already.".to_owned())
    })?;
    if hash != row.content_hash {
        return Err(Error::invalid_field(
            "/content_hash",
            "inconsistent",
            "is not the hash of the contract's text",
        ));
    }
    let now = ctx.clock.now();
    row.signatures.push(Signature {
        side,
        account_id: actor.account_id,
        signed_at: now,
        content_hash: row.content_hash.clone(),
    });
    let both = row.signatures.len() > 1;
    if both {
        row.state = CONTRACT.transition(&row.state, "close_signing", &[Who::System])?.to.to_owned();
        let until = now + Duration::days(ctx.policy.contracts.lapse_days);
        row.lapses_at = Some(until);
        timers::set(ctx, conn, CONTRACT.name, row.id, "lapse", until).await?;
        notify::mail_to_fund(ctx, conn, &row, until).await?;
    } else if let Some(until) = row.lapses_at {
        notify::mail_to_sign(ctx, conn, &row, side.other(), until).await?;
    }
    save(ctx, conn, &mut row).await?;
    let data = json!({ "side": side, "content_hash": row.content_hash });
    notify::contract(ctx, conn, &row, "contract.signed", data).await?;
    if both {
        notify::contract(ctx, conn, &row, "contract.in_force", json!({ "fund_until": row.lapses_at }))
            .await?;
    }
    let shown = detail(ctx, conn, actor, row).await?;
    assay_identity::record_presence(ctx, conn, actor, PresenceKind::Signed, &id.to_string()).await?;
    Ok(shown)
}

/// Gives a contract up before anything was paid.
///
/// # Errors
/// `guard_failed` while a payment is under way.
pub async fn cancel_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
    reason: &str,
) -> Result<ContractDetail> {
    let (mut row, seat) = lock(conn, actor, id).await?;
    seen.check(row.version)?;
    let transition = CONTRACT.transition(&row.state, "cancel", &seat.who())?;
    let paying = payment_under_way(conn, &row).await?;
    CONTRACT.check(transition, |_| paying.then(|| "A payment is under way.".to_owned()))?;
    row.reason = Some(reason.to_owned());
    let data = json!({ "by": seat.acting()?, "reason": reason });
    give_up(ctx, conn, &mut row, "contract.cancelled", data).await?;
    detail(ctx, conn, actor, row).await
}

pub(super) async fn payment_under_way(conn: &mut Conn, row: &ContractRow) -> Result<bool> {
    let milestones = store::milestones::of_contract(conn, row.id).await?;
    Ok(milestones.iter().any(|milestone| milestone.state == "funding_pending"))
}

/// Ends a contract before its start: the award stands, and another contract may follow.
pub(super) async fn give_up(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &mut ContractRow,
    kind: &str,
    data: serde_json::Value,
) -> Result<()> {
    lifecycle::drop_unpaid(ctx, conn, row).await?;
    row.state = ContractState::CancelledBeforeStart.to_string();
    row.lapses_at = None;
    timers::clear(conn, CONTRACT.name, row.id, &[]).await?;
    save(ctx, conn, row).await?;
    notify::contract(ctx, conn, row, kind, data).await?;
    assay_projects::leave_contract_in(ctx, conn, row.project(), row.bid(), ContractEnd::Cancelled).await
}
