//! Contracts: drawing up, signing, paying, resting, ending; messages.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{BidId, ContractId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, Result};
use assay_platform::web::{
    Auth, Body, Cursor, Hirer, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Query, Reader, Reply,
    Routes, etag,
};
use assay_platform::{Ctx, acts, idempotency};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::{ContractSummary, ContractView, MessageView};
use crate::model::ContractState;
use crate::service::draw::{self, DrawUp};
use crate::service::funding::{self, Fund};
use crate::service::lifecycle::{self, Ending};
use crate::service::messages::{self, Write};
use crate::service::views::ContractDetail;
use crate::service::{checks, views};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_contract)
        .service(list_contracts)
        .service(create_contract)
        .service(get_contract_text)
        .service(sign_contract)
        .service(cancel_contract)
        .service(fund_milestones)
        .service(pause_contract)
        .service(resume_contract)
        .service(give_notice)
        .service(propose_termination)
        .service(accept_termination)
        .service(decline_termination)
        .service(terminate_contract_for_cause)
        .service(rotate_check_secret)
        .service(list_contract_messages)
        .service(write_contract_message);
}

fn shown(detail: ContractDetail) -> Result<Reply> {
    let view = ContractView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// A reason, for the other side.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonInput {
    /// The reason.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The data we need comes a month later than planned.")]
    pub reason: Text,
}

/// Draws a contract up from an accepted bid.
///
/// For the client's people who may hire. Takes milestones, prices and dates from what was agreed; the client chooses the
/// review window, the rounds of changes, what is held back and who signs off. Both sides sign it word for word, or it
/// lapses after seven days.
#[utoipa::path(tag = "contracts", request_body = DrawUp, responses((status = 201, description = "The contract.", body = ContractView)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/bids/{id}/contract")]
async fn create_contract(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    id: Path<BidId>,
    key: IdempotencyKey,
    body: Body<DrawUp>,
) -> Outcome {
    let reply = idempotency::run(&ctx, key.with(&body).as_ref(), async |conn| {
        let view = ContractView::new(draw::draw_up_in(&ctx, conn, &caller, id.0, &body).await?)?;
        Ok(Reply::created(format!("/v1/contracts/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Shows a contract.
///
/// For its parties, for finance staff, and, when a side disputes something of it, for staff who mediate.
#[utoipa::path(tag = "contracts", responses((status = 200, description = "The contract.", body = ContractView)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/contracts/{id}")]
async fn get_contract(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<ContractId>) -> Outcome {
    let detail = ctx.db.read(async |conn| views::get(&ctx, conn, &caller, id.0).await).await?;
    Ok(shown(detail)?)
}

/// Which contracts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListContracts {
    /// In one state only.
    #[param(inline)]
    state: Option<ContractState>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists the caller's contracts, the newest first.
///
/// As a developer, and as a member of organisations.
#[utoipa::path(tag = "contracts", params(ListContracts), responses((status = 200, description = "A page of contracts.", body = Page<ContractSummary>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/contracts")]
async fn list_contracts(ctx: Data<Ctx>, caller: Auth<Reader>, query: Query<ListContracts>) -> Outcome {
    let ListContracts { state, limit, cursor } = query.0;
    let cursors = Cursor::new(&ctx.keys, "contracts", &(caller.account_id, state));
    let before: Option<Uuid> = cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let rows =
        ctx.db.read(async |conn| views::list(conn, &caller, state, before, limit.fetch()).await).await?;
    let page = cursors.page(rows, limit, |row| row.id)?;
    Ok(Reply::page(&page.try_map(ContractSummary::new)?)?)
}

/// Which edition.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TextQuery {
    /// The edition, from 1; the newest when none is named.
    #[param(minimum = 1, example = 1)]
    edition: Option<i32>,
}

/// The exact text of an edition.
#[derive(Debug, Serialize, ToSchema)]
struct ContractText {
    /// The canonical JSON of the terms, as it was hashed.
    text: String,
    /// Its SHA-256.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    content_hash: String,
}

/// Shows the exact text of a contract, as it is hashed.
///
/// `SHA-256(text)` is `content_hash`; that of the first edition is what both sides sign.
#[utoipa::path(tag = "contracts", params(TextQuery), responses((status = 200, description = "The text.", body = ContractText)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/contracts/{id}/text")]
async fn get_contract_text(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<ContractId>,
    query: Query<TextQuery>,
) -> Outcome {
    let edition = query.0.edition;
    let (text, content_hash) =
        ctx.db.read(async |conn| views::text(conn, &caller, id.0, edition).await).await?;
    Ok(Reply::ok(&ContractText { text, content_hash })?)
}

/// What is signed.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInput {
    /// The contract's `content_hash`.
    #[validate(length(equal = 64))]
    #[schema(
        min_length = 64,
        max_length = 64,
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub content_hash: String,
}

acts! { Ctx, shown, ("contracts", 200, "The contract.", ContractView);
    /// Signs a contract for one's side.
    ///
    /// Needs a sign-in, or a code of the second factor, of the last ten minutes, and adds a link to the signer's identity
    /// chain. With the second signature the contract waits for the first payment.
    sign_contract(Reader, ContractId, IdempotencyKey, Body: SignInput) "/v1/contracts/{id}/sign" =
        async |ctx: &Ctx, conn, caller: &_, id, body: &SignInput|
            draw::sign_in(ctx, conn, caller, id, &body.content_hash).await;
}

acts! { Ctx, shown, ("contracts", 200, "The contract; the payments are under way.", ContractView);
    /// Pays for milestones.
    ///
    /// For the client's people who may hire, within their spending limit. Each milestone has a payment of its own; its money
    /// is held from the payment's success on.
    fund_milestones(Hirer, ContractId, MoneyKey, Body: Fund) "/v1/contracts/{id}/fund" = funding::fund_in;
}

acts! { Ctx, shown, ("contracts", 200, "The contract.", ContractView);
    /// Gives a contract up before anything was paid.
    ///
    /// For either side. The award stands: the client may draw another contract up.
    cancel_contract(Reader, ContractId, IdempotencyKey, IfMatch: seen, Body: ReasonInput) "/v1/contracts/{id}/cancel" =
        async |ctx: &Ctx, conn, caller: &_, id, seen: &_, body: &ReasonInput|
            draw::cancel_in(ctx, conn, caller, id, seen, &body.reason).await;
    /// Puts a contract to rest.
    ///
    /// For either side. Dates of delivery wait; reviews that have begun go on, so that nobody is kept waiting for money.
    pause_contract(Reader, ContractId, IdempotencyKey, IfMatch: seen, Body: ReasonInput) "/v1/contracts/{id}/pause" =
        async |ctx: &Ctx, conn, caller: &_, id, seen: &_, body: &ReasonInput|
            lifecycle::pause_in(ctx, conn, caller, id, seen, &body.reason).await;
    /// Gives notice.
    ///
    /// For either side. Nothing new is paid; after five business days what was not delivered is refunded, and what was
    /// delivered is reviewed as agreed.
    give_notice(Reader, ContractId, IdempotencyKey, IfMatch: seen, Body: ReasonInput)
        "/v1/contracts/{id}/give_notice" =
        async |ctx: &Ctx, conn, caller: &_, id, seen: &_, body: &ReasonInput|
            lifecycle::give_notice_in(ctx, conn, caller, id, seen, &body.reason).await;
    /// Proposes to end the contract.
    ///
    /// For either side, with the developer's part of each milestone whose money is held. Stands for seven days.
    propose_termination(Reader, ContractId, IdempotencyKey, IfMatch: seen, Body: Ending)
        "/v1/contracts/{id}/propose_termination" =
        lifecycle::propose_in;
    /// Ends the contract for a cause.
    ///
    /// For either side, with a recent sign-in. What was delivered is reviewed as agreed; what was not goes back, but for
    /// what the client leaves to the developer.
    terminate_contract_for_cause(Reader, ContractId, MoneyKey, IfMatch: seen, Body: Ending)
        "/v1/contracts/{id}/terminate_for_cause" =
        lifecycle::terminate_for_cause_in;
    /// Goes on after a rest.
    ///
    /// For either side. Dates of delivery move by the time of the rest.
    resume_contract(Reader, ContractId, IdempotencyKey, IfMatch: seen) "/v1/contracts/{id}/resume" =
        lifecycle::resume_in;
    /// Declines a proposal to end the contract, or takes one's own back.
    decline_termination(Reader, ContractId, IdempotencyKey, IfMatch: seen) "/v1/contracts/{id}/decline_termination" =
        lifecycle::decline_in;
    /// Accepts the other side's proposal to end the contract.
    ///
    /// Needs a recent sign-in. Each milestone whose money is held is settled as proposed.
    accept_termination(Reader, ContractId, MoneyKey, IfMatch: seen) "/v1/contracts/{id}/accept_termination" =
        lifecycle::accept_in;
}

/// The key of the signatures under results of checks.
#[derive(Debug, Serialize, ToSchema)]
struct CheckSecret {
    /// The key; it is shown once.
    #[schema(example = "kZk2m1Yk0n3o8Q3v7q1cJmH6wq0Q4a8x2c5s9d7f1gE")]
    secret: String,
}

/// Makes a new key for results of checks.
///
/// For the client's people who may hire, with a recent sign-in. A check signs what it posts with it; the former key
/// holds no more.
#[utoipa::path(tag = "contracts", responses((status = 200, description = "The key, shown once.", body = CheckSecret)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/contracts/{id}/check_secret")]
async fn rotate_check_secret(ctx: Data<Ctx>, caller: Auth<Hirer>, id: Path<ContractId>) -> Outcome {
    let secret = ctx.db.tx(async |conn| checks::rotate_secret_in(&ctx, conn, &caller, id.0).await).await?;
    Ok(Reply::ok(&CheckSecret { secret })?)
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListMessages {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists the messages on a contract, the newest first.
#[utoipa::path(tag = "contracts", params(ListMessages), responses((status = 200, description = "A page of messages.", body = Page<MessageView>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/contracts/{id}/messages")]
async fn list_contract_messages(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<ContractId>,
    query: Query<ListMessages>,
) -> Outcome {
    let ListMessages { limit, cursor } = query.0;
    let cursors = Cursor::new(&ctx.keys, "contract_messages", &id.0);
    let before: Option<Uuid> = cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let rows =
        ctx.db.read(async |conn| messages::list(conn, &caller, id.0, before, limit.fetch()).await).await?;
    let page = cursors.page(rows, limit, |row| row.id)?;
    Ok(Reply::page(&page.try_map(MessageView::new)?)?)
}

/// Writes a message on a contract.
///
/// For either side, at any time. Attachments are links.
#[utoipa::path(tag = "contracts", request_body = Write, responses((status = 201, description = "The message.", body = MessageView)), extensions(("x-access" = json!("reader"))))]
#[post("/v1/contracts/{id}/messages")]
async fn write_contract_message(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<ContractId>,
    key: IdempotencyKey,
    body: Body<Write>,
) -> Outcome {
    let reply = idempotency::run(&ctx, key.with(&body).as_ref(), async |conn| {
        let view = MessageView::new(messages::write_in(&ctx, conn, &caller, id.0, &body).await?)?;
        Reply::created(format!("/v1/contracts/{}/messages", id.0), &view)
    })
    .await?;
    Ok(reply)
}
