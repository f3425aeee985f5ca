//! Items and their challenges.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use assay_kernel::ids::PortfolioItemId;
use assay_kernel::{Limit, Page};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Developer, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Query, Reader,
    Reply, etag,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::dto::{CreateItem, ItemView};
use crate::model::item::{ItemKind, Level};
use crate::service::Portfolio;
use crate::service::items::{ItemChoices, Shown};
use crate::store::items::Which;

fn shown(shown: Shown) -> assay_kernel::Result<Reply> {
    let view = ItemView::own(shown);
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Which items to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListItems {
    /// Only items of this kind.
    #[param(inline)]
    kind: Option<ItemKind>,
    /// Only items of this level.
    #[param(inline)]
    level: Option<Level>,
    /// Only items that are withdrawn, or only those that are not.
    withdrawn: Option<bool>,
    /// How many items a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the caller's items.
///
/// Newest first, withdrawn ones too unless they are filtered out.
#[utoipa::path(
    tag = "portfolio",
    params(ListItems),
    responses((status = 200, description = "A page of items.", body = Page<ItemView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/portfolio/items")]
pub async fn list_portfolio_items(
    portfolio: Data<Portfolio>,
    caller: Auth<Reader>,
    query: Query<ListItems>,
) -> Outcome {
    let query = query.0;
    let filter = (caller.account_id, query.kind, query.level, query.withdrawn);
    let cursor = Cursor::new(&portfolio.ctx().keys, "portfolio_items", &filter);
    let before: Option<PortfolioItemId> =
        query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let which = Which {
        kind: query.kind.map(ItemKind::as_str),
        level: query.level.map(Level::as_str),
        withdrawn: query.withdrawn,
        only_public: false,
    };
    let rows = portfolio.list_items(&caller, which, before, query.limit.fetch()).await?;
    Ok(Reply::page(&cursor.page(rows, query.limit, |shown| shown.item.id)?.map(ItemView::own))?)
}

/// Adds an item that the caller tells of.
///
/// Its level is `claimed`. With a link, control of it can be shown by a challenge, which raises the level.
#[utoipa::path(
    tag = "portfolio",
    request_body = CreateItem,
    responses((status = 201, description = "The item.", body = ItemView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/portfolio/items")]
pub async fn create_portfolio_item(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    key: IdempotencyKey,
    body: Body<CreateItem>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(portfolio.ctx(), key.as_ref(), async |conn| {
        let view = ItemView::own(portfolio.add_item_in(conn, &caller, &body.item()).await?);
        Ok(Reply::created(format!("/v1/portfolio/items/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?)
}

/// Shows an item of the caller.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 200, description = "The item.", body = ItemView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/portfolio/items/{id}")]
pub async fn get_portfolio_item(
    portfolio: Data<Portfolio>,
    caller: Auth<Reader>,
    id: Path<PortfolioItemId>,
) -> Outcome {
    Ok(shown(portfolio.get_item(&caller, id.0).await?)?)
}

/// Changes what the caller decides about an item.
///
/// Whether it is public, the note, and the skills. An import never changes these.
#[utoipa::path(
    tag = "portfolio",
    request_body(content = ItemChoices, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The item.", body = ItemView)),
    extensions(("x-access" = json!("developer")))
)]
#[patch("/v1/portfolio/items/{id}")]
pub async fn update_portfolio_item(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    id: Path<PortfolioItemId>,
    seen: IfMatch,
    patch: MergePatchDocument,
) -> Outcome {
    let changed = portfolio.update_item(&caller, id.0, &patch.0, |version| seen.check(version)).await?;
    Ok(shown(changed)?)
}

/// Deletes an item that the caller had told of.
///
/// What an import found cannot be deleted, but hidden.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 204, description = "It is gone.")),
    extensions(("x-access" = json!("developer")))
)]
#[delete("/v1/portfolio/items/{id}")]
pub async fn delete_portfolio_item(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    id: Path<PortfolioItemId>,
    seen: IfMatch,
) -> Outcome {
    portfolio.delete_item(&caller, id.0, |version| seen.check(version)).await?;
    Ok(Reply::no_content())
}

/// Gives an item a challenge.
///
/// Put the `token` into the file at `url`: for a site `/.well-known/assay-challenge.txt`, for a repository at GitHub
/// `assay-challenge.txt` at the root of its default branch. Then ask for verification. A new challenge takes the place of
/// the one before.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 200, description = "The item with its challenge.", body = ItemView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/portfolio/items/{id}/challenge")]
pub async fn challenge_portfolio_item(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    id: Path<PortfolioItemId>,
    key: IdempotencyKey,
) -> Outcome {
    let key = key.bare();
    Ok(idempotency::run(portfolio.ctx(), key.as_ref(), async |conn| {
        shown(portfolio.challenge_in(conn, &caller, id.0).await?)
    })
    .await?)
}

/// Asks for a look at the place of the challenge.
///
/// The check runs in the background; the item shows its outcome. When the file is found, the level becomes
/// `platform_verified`.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 202, description = "The item, being checked.", body = ItemView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/portfolio/items/{id}/verify")]
pub async fn verify_portfolio_item(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    id: Path<PortfolioItemId>,
    key: IdempotencyKey,
) -> Outcome {
    let key = key.bare();
    Ok(idempotency::run(portfolio.ctx(), key.as_ref(), async |conn| {
        let view = ItemView::own(portfolio.verify_in(conn, &caller, id.0).await?);
        Ok(Reply::accepted(&view)?.etag(etag(view.version)))
    })
    .await?)
}
