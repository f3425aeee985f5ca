//! Personal API tokens.

use actix_web::web::Data;
use actix_web::{delete, get, post};
use assay_kernel::Page;
use assay_kernel::ids::ApiTokenId;
use assay_platform::Ctx;
use assay_platform::web::{Auth, Body, Manager, Outcome, Path, Query, Reply, Routes};

use super::PageQuery;
use crate::service::tokens::{self, ApiTokenView, CreateApiToken, NewApiToken};

pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_api_tokens).service(create_api_token).service(revoke_api_token);
}

/// Makes an API token.
///
/// For agents and integrations. The token is shown once, here, and never again; therefore the answer is not kept under
/// an `Idempotency-Key`: after a lost answer, revoke the token by its name and make another. Needs a sign-in of the
/// last ten minutes; an API token cannot make one.
#[utoipa::path(
    tag = "me",
    request_body = CreateApiToken,
    responses((status = 201, description = "The token, with its secret.", body = NewApiToken)),
    extensions(("x-access" = json!("manager")))
)]
#[post("/v1/me/tokens")]
async fn create_api_token(ctx: Data<Ctx>, caller: Auth<Manager>, body: Body<CreateApiToken>) -> Outcome {
    let token = tokens::create(&ctx, &caller, &body).await?;
    Ok(Reply::created("/v1/me/tokens", &token)?.header("cache-control", "no-store"))
}

/// Lists the caller's API tokens.
///
/// Those that have not ended, newest first, without their secrets.
#[utoipa::path(
    tag = "me",
    params(PageQuery),
    responses((status = 200, description = "A page of tokens.", body = Page<ApiTokenView>)),
    extensions(("x-access" = json!("manager")))
)]
#[get("/v1/me/tokens")]
async fn list_api_tokens(ctx: Data<Ctx>, caller: Auth<Manager>, query: Query<PageQuery>) -> Outcome {
    let PageQuery { limit, cursor } = query.0;
    Ok(Reply::page(&tokens::list(&ctx, &caller, limit, cursor.as_deref()).await?)?)
}

/// Ends an API token.
///
/// It is refused from now on.
#[utoipa::path(
    tag = "me",
    responses((status = 204, description = "The token has ended.")),
    extensions(("x-access" = json!("manager")))
)]
#[delete("/v1/me/tokens/{id}")]
async fn revoke_api_token(ctx: Data<Ctx>, caller: Auth<Manager>, id: Path<ApiTokenId>) -> Outcome {
    tokens::revoke(&ctx, &caller, id.0).await?;
    Ok(Reply::no_content())
}
