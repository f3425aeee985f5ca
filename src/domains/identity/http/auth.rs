//! Sign-in, tokens, keys.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use assay_kernel::string_enum;
use assay_platform::web::edge::{ClientIp, SESSION_COOKIE};
use assay_platform::web::{Auth, Body, Outcome, Query, Reply, Routes, SignedIn as SignedInAccess};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::service::Identity;
use crate::service::keys::Jwks;
use crate::service::sessions;
use crate::service::sign_in::{Callback, Device, Mode, STATE_MINUTES, SignedIn, Tokens};

/// Binds a sign-in under way to the browser.
const SIGN_IN_COOKIE: &str = "__Host-signin";

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(start_github_sign_in)
        .service(finish_github_sign_in)
        .service(refresh_token)
        .service(logout)
        .service(get_jwks);
}

/// `__Host-` cookies are Secure, have no Domain and the path `/`; browsers and curl take them over plain http from
/// this machine only.
fn cookie(name: &str, value: &str, max_age: i64) -> String {
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; Secure; SameSite=Lax")
}

fn device(request: &HttpRequest, ip: ClientIp) -> Device {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Device::new(agent.unwrap_or("unknown"), ip.text())
}

fn sign_in_cookie(request: &HttpRequest) -> Option<String> {
    request.cookie(SIGN_IN_COOKIE).map(|cookie| cookie.value().to_owned())
}

/// How to sign in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StartQuery {
    /// The path of this service to which the browser goes on; `/` unless told. Not used with `mode=token`.
    #[param(max_length = 2000, pattern = "^/", example = "/docs")]
    return_to: Option<String>,
    /// What the sign-in ends with: a session cookie and a redirect (`browser`, unless told), or tokens in JSON (`token`).
    #[param(inline)]
    mode: Option<Mode>,
}

/// Starts a sign-in with GitHub.
///
/// Redirects to GitHub's authorization page (authorization code with PKCE). The sign-in is bound to the browser by a
/// cookie, works once, and must be finished within ten minutes. Scripts do the same with a cookie jar.
#[utoipa::path(
    tag = "auth",
    params(StartQuery),
    responses((status = 302, description = "To GitHub's authorization page.")),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/auth/github/start")]
async fn start_github_sign_in(
    identity: Data<Identity>,
    request: HttpRequest,
    query: Query<StartQuery>,
) -> Outcome {
    let StartQuery { return_to, mode } = query.0;
    let browser = sign_in_cookie(&request);
    let started = identity
        .start_sign_in(return_to.as_deref().unwrap_or("/"), mode.unwrap_or(Mode::Browser), browser.as_deref())
        .await?;
    Ok(Reply::redirect(started.location)
        .header("set-cookie", cookie(SIGN_IN_COOKIE, &started.browser, STATE_MINUTES * 60))
        .header("cache-control", "no-store"))
}

/// What GitHub sends the browser back with. GitHub may add members, so that unknown ones pass.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CallbackQuery {
    /// The code to exchange.
    code: Option<String>,
    /// The state that went out.
    state: Option<String>,
    /// Why there is no code, e.g. `access_denied`.
    error: Option<String>,
}

/// Finishes a sign-in with GitHub.
///
/// GitHub redirects here. In the mode `browser` the answer sets the session cookie and redirects to the path that was
/// asked for; in the mode `token` it is JSON with an access token (ten minutes at most) and a refresh token.
#[utoipa::path(
    tag = "auth",
    params(CallbackQuery),
    responses(
        (status = 200, description = "Tokens, in the mode `token`.", body = Tokens),
        (status = 302, description = "To the path that was asked for, with the session cookie set.")
    ),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/auth/github/callback")]
async fn finish_github_sign_in(
    identity: Data<Identity>,
    request: HttpRequest,
    ip: ClientIp,
    query: Query<CallbackQuery>,
) -> Outcome {
    let CallbackQuery { code, state, error } = query.0;
    let browser = sign_in_cookie(&request);
    let callback = Callback { code, state, error };
    let done = identity.finish_sign_in(callback, browser.as_deref(), &device(&request, ip)).await?;
    let reply = match done {
        SignedIn::Browser { cookie: value, max_age, return_to } => {
            Reply::redirect(return_to).header("set-cookie", cookie(SESSION_COOKIE, &value, max_age))
        }
        SignedIn::Program(tokens) => Reply::ok(&tokens)?,
    };
    Ok(reply.header("set-cookie", cookie(SIGN_IN_COOKIE, "", 0)).header("cache-control", "no-store"))
}

string_enum! {
    /// How tokens are asked for (RFC 6749 §6).
    enum GrantType {
        /// With a refresh token.
        RefreshToken = "refresh_token",
    }
}

/// Asks for new tokens.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshInput {
    /// Always `refresh_token`.
    #[allow(dead_code)] // its only value is checked by its type
    grant_type: GrantType,
    /// The refresh token that came with the last answer.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "q7Vx0m…")]
    refresh_token: String,
}

/// Gives new tokens for a refresh token.
///
/// Each refresh token works once: the answer carries its successor. One that is shown again ends the whole session,
/// except that a token whose answer was lost may be shown again within 60 seconds, as long as its successor was never
/// used.
#[utoipa::path(
    tag = "auth",
    request_body = RefreshInput,
    responses((status = 200, description = "New tokens.", body = Tokens)),
    extensions(("x-access" = json!("public")))
)]
#[post("/v1/auth/token")]
async fn refresh_token(identity: Data<Identity>, body: Body<RefreshInput>) -> Outcome {
    let tokens = identity.refresh(&body.refresh_token).await?;
    Ok(Reply::ok(&tokens)?.header("cache-control", "no-store"))
}

/// Signs out.
///
/// Ends the caller's session; its cookie, access token and refresh token are refused from now on.
#[utoipa::path(
    tag = "auth",
    responses((status = 204, description = "The session has ended.")),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/auth/logout")]
async fn logout(identity: Data<Identity>, caller: Auth<SignedInAccess>) -> Outcome {
    sessions::logout(identity.ctx(), &caller).await?;
    Ok(Reply::no_content().header("set-cookie", cookie(SESSION_COOKIE, "", 0)))
}

/// Shows the keys of access tokens.
///
/// A JSON Web Key Set (RFC 7517) for programs that check access tokens themselves. Two keys live while one makes way
/// for the next.
#[utoipa::path(
    tag = "auth",
    responses((status = 200, description = "The keys.", body = Jwks)),
    extensions(("x-access" = json!("public")))
)]
#[get("/.well-known/jwks.json")]
async fn get_jwks(identity: Data<Identity>) -> Outcome {
    let keys = identity.jwks().await?;
    Ok(Reply::ok(&keys)?.header("cache-control", "public, max-age=300"))
}
