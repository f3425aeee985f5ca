//! Imports.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::PortfolioImportId;
use assay_kernel::{Limit, Page};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Cursor, Developer, IdempotencyKey, Outcome, Path, Query, Reader, Reply, etag,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::dto::ImportView;
use crate::service::Portfolio;

/// Imports the caller's public work from GitHub.
///
/// The import runs in the background; its progress is at the `Location` given. While an import of the caller is queued or
/// running, that one is given instead of another. After a completed one there is a pause (an hour, by the policy). Only
/// public repositories are read.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 202, description = "The import, queued, or the one under way.", body = ImportView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/portfolio/imports")]
pub async fn create_portfolio_import(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    key: IdempotencyKey,
) -> Outcome {
    let key = key.bare();
    Ok(idempotency::run(portfolio.ctx(), key.as_ref(), async |conn| {
        let view = ImportView::from(portfolio.request_import_in(conn, &caller).await?);
        let location = format!("/v1/portfolio/imports/{}", view.id);
        Ok(Reply::accepted(&view)?.header("location", location).etag(etag(view.version)))
    })
    .await?)
}

/// Shows an import.
///
/// With the step in hand, what was met so far, and warnings.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 200, description = "The import.", body = ImportView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/portfolio/imports/{id}")]
pub async fn get_portfolio_import(
    portfolio: Data<Portfolio>,
    caller: Auth<Reader>,
    id: Path<PortfolioImportId>,
) -> Outcome {
    let view = ImportView::from(portfolio.get_import(&caller, id.0).await?);
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Which imports to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListImports {
    /// How many imports a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the caller's imports.
///
/// Newest first.
#[utoipa::path(
    tag = "portfolio",
    params(ListImports),
    responses((status = 200, description = "A page of imports.", body = Page<ImportView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/portfolio/imports")]
pub async fn list_portfolio_imports(
    portfolio: Data<Portfolio>,
    caller: Auth<Reader>,
    query: Query<ListImports>,
) -> Outcome {
    let query = query.0;
    let cursor = Cursor::new(&portfolio.ctx().keys, "portfolio_imports", &caller.account_id);
    let before: Option<PortfolioImportId> =
        query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let rows = portfolio.list_imports(&caller, before, query.limit.fetch()).await?;
    Ok(Reply::page(&cursor.page(rows, query.limit, |import| import.id)?.map(ImportView::from))?)
}
