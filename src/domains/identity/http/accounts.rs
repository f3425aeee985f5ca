//! People, as others and staff see them.

use actix_web::web::Data;
use actix_web::{delete, get, post};
use assay_kernel::ids::{AccountId, AppealId};
use assay_kernel::{Limit, Page, Permission};
use assay_platform::Ctx;
use assay_platform::web::{Admin, Anyone, Auth, Body, Outcome, Path, Query, Reply, Reviewer, Routes, etag};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::accounts::{self, DeveloperProfile};
use crate::service::organisations::StaffReason;
use crate::service::second_factor;
use crate::service::staff::{self, GrantPermission, StaffAccount};
use crate::service::suspensions::{
    self, DecideAppeal, SuspendAccount, SuspensionAppealState, SuspensionAppealView,
};

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_developer)
        .service(find_accounts)
        .service(suspend_account)
        .service(reinstate_account)
        .service(reset_second_factor)
        .service(grant_permission)
        .service(revoke_permission)
        .service(list_suspension_appeals)
        .service(get_suspension_appeal)
        .service(decide_suspension_appeal);
}

/// Shows a developer's profile.
///
/// What the developer wrote; no address.
#[utoipa::path(
    tag = "accounts",
    responses((status = 200, description = "The profile.", body = DeveloperProfile)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/developers/{id}")]
async fn get_developer(ctx: Data<Ctx>, _caller: Anyone, id: Path<AccountId>) -> Outcome {
    let profile = accounts::developer(&ctx, id.0).await?;
    Ok(Reply::ok(&profile)?.etag(etag(profile.version)))
}

/// Whom to look up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LoginQuery {
    /// The login at GitHub, letter case aside.
    #[param(max_length = 100, example = "octocat")]
    login: String,
}

/// Looks accounts up by login.
///
/// A login has one account at most, unless it changed hands at GitHub and nobody has signed in since.
#[utoipa::path(
    tag = "accounts",
    params(LoginQuery),
    responses((status = 200, description = "The accounts.", body = Page<StaffAccount>)),
    extensions(("x-access" = json!("admin")))
)]
#[get("/v1/staff/accounts")]
async fn find_accounts(ctx: Data<Ctx>, _caller: Auth<Admin>, query: Query<LoginQuery>) -> Outcome {
    Ok(Reply::ok(&staff::accounts_by_login(&ctx, &query.0.login).await?)?)
}

/// Suspends an account.
///
/// Every session and API token of it ends at once. The person can still sign in to read the reason and to appeal.
#[utoipa::path(
    tag = "accounts",
    request_body = SuspendAccount,
    responses((status = 200, description = "The account.", body = StaffAccount)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/accounts/{id}/suspend")]
async fn suspend_account(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    id: Path<AccountId>,
    body: Body<SuspendAccount>,
) -> Outcome {
    Ok(Reply::ok(&suspensions::suspend(&ctx, &caller, id.0, &body).await?)?)
}

/// Ends a suspension.
///
/// An appeal that waits for a decision becomes moot.
#[utoipa::path(
    tag = "accounts",
    request_body = StaffReason,
    responses((status = 200, description = "The account.", body = StaffAccount)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/accounts/{id}/reinstate")]
async fn reinstate_account(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    id: Path<AccountId>,
    body: Body<StaffReason>,
) -> Outcome {
    Ok(Reply::ok(&suspensions::reinstate(&ctx, &caller, id.0, &body.reason).await?)?)
}

/// Grants a staff permission.
///
/// Nobody changes their own. Needs a sign-in of the last ten minutes.
#[utoipa::path(
    tag = "accounts",
    request_body = GrantPermission,
    responses((status = 200, description = "The account.", body = StaffAccount)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/accounts/{id}/permissions")]
async fn grant_permission(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    id: Path<AccountId>,
    body: Body<GrantPermission>,
) -> Outcome {
    Ok(Reply::ok(&staff::grant(&ctx, &caller, id.0, &body).await?)?)
}

/// Why a permission is taken back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReasonQuery {
    /// The reason, for the audit log.
    #[param(min_length = 3, max_length = 1000, example = "Left the curation team.")]
    reason: String,
}

/// Takes a staff permission back.
///
/// Nobody changes their own, and the last admin stays. Needs a sign-in of the last ten minutes.
#[utoipa::path(
    tag = "accounts",
    params(ReasonQuery, ("permission" = Permission, Path, description = "The permission.")),
    responses((status = 200, description = "The account.", body = StaffAccount)),
    extensions(("x-access" = json!("admin")))
)]
#[delete("/v1/accounts/{id}/permissions/{permission}")]
async fn revoke_permission(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    path: Path<(AccountId, Permission)>,
    query: Query<ReasonQuery>,
) -> Outcome {
    let (id, permission) = path.0;
    let reason = StaffReason::of(&query.0.reason)?;
    Ok(Reply::ok(&staff::revoke(&ctx, &caller, id, permission, &reason.reason).await?)?)
}

/// Which appeals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AppealQuery {
    /// Where they stand; `open` unless told.
    #[param(inline)]
    state: Option<SuspensionAppealState>,
    /// Items on a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists appeals against suspensions.
///
/// The longest waiting first.
#[utoipa::path(
    tag = "accounts",
    params(AppealQuery),
    responses((status = 200, description = "A page of appeals.", body = Page<SuspensionAppealView>)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/staff/suspension_appeals")]
async fn list_suspension_appeals(
    ctx: Data<Ctx>,
    caller: Auth<Reviewer>,
    query: Query<AppealQuery>,
) -> Outcome {
    let AppealQuery { state, limit, cursor } = query.0;
    let state = state.unwrap_or(SuspensionAppealState::Open);
    Ok(Reply::page(&suspensions::list(&ctx, &caller, state, limit, cursor.as_deref()).await?)?)
}

/// Shows an appeal against a suspension.
///
/// With the reason that it is against.
#[utoipa::path(
    tag = "accounts",
    responses((status = 200, description = "The appeal.", body = SuspensionAppealView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/suspension_appeals/{id}")]
async fn get_suspension_appeal(ctx: Data<Ctx>, caller: Auth<Reviewer>, id: Path<AppealId>) -> Outcome {
    let appeal = suspensions::read(&ctx, &caller, id.0).await?;
    Ok(Reply::ok(&appeal)?.etag(etag(appeal.version)))
}

/// Decides an appeal against a suspension.
///
/// By somebody other than who suspended the account. Overturning ends the suspension.
#[utoipa::path(
    tag = "accounts",
    request_body = DecideAppeal,
    responses((status = 200, description = "The appeal.", body = SuspensionAppealView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[post("/v1/suspension_appeals/{id}/decide")]
async fn decide_suspension_appeal(
    ctx: Data<Ctx>,
    caller: Auth<Reviewer>,
    id: Path<AppealId>,
    body: Body<DecideAppeal>,
) -> Outcome {
    let appeal = suspensions::decide(&ctx, &caller, id.0, &body).await?;
    Ok(Reply::ok(&appeal)?.etag(etag(appeal.version)))
}

/// Removes somebody's second factor.
///
/// For a person who has lost the authenticator and the recovery codes, once they have been recognised by other means.
/// Not one's own.
#[utoipa::path(
    tag = "accounts",
    request_body = StaffReason,
    responses((status = 204, description = "The person has no second factor any more.")),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/accounts/{id}/reset_second_factor")]
async fn reset_second_factor(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    id: Path<AccountId>,
    body: Body<StaffReason>,
) -> Outcome {
    second_factor::reset(&ctx, &caller, id.0, &body.reason).await?;
    Ok(Reply::no_content())
}
