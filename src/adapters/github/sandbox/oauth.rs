//! GitHub's sign-in pages: `GET /login/oauth/authorize` and `POST /login/oauth/access_token`.

use std::collections::HashMap;
use std::fmt::Write as _;

use actix_web::http::header::{ACCEPT, CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use chrono::Duration;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::personas::PERSONAS;
use super::state::{Grant, Session, State};
use super::world::{Found, Who};

const TROUBLE: &str = "/apps/managing-oauth-apps/troubleshooting";

#[derive(Deserialize)]
pub(super) struct Authorize {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    #[serde(default)]
    scope: String,
    state: Option<String>,
    login: Option<String>,
    deny: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// Where a browser chooses whom to be. `login` chooses at once, `deny` declines.
pub(super) async fn authorize(
    request: HttpRequest,
    state: Data<State>,
    query: Query<Authorize>,
) -> HttpResponse {
    if query.client_id.as_deref() != Some(state.client_id.as_str()) {
        return page(404, "Not found", "<p>There is no OAuth application with this client id.</p>");
    }
    let Some(redirect_uri) =
        query.redirect_uri.clone().or_else(|| state.callback.as_ref().map(Url::to_string))
    else {
        return page(400, "No callback", "<p>The parameter <code>redirect_uri</code> is missing.</p>");
    };
    let target = Url::parse(&redirect_uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(target) = target else {
        return page(
            400,
            "Bad callback",
            "<p>The parameter <code>redirect_uri</code> is not a web address.</p>",
        );
    };
    let one_time = query.state.as_deref();
    if let Some(callback) = &state.callback
        && !is_below(&target, callback)
    {
        let uri = format!("{TROUBLE}-authorization-request-errors/#redirect-uri-mismatch");
        let text = "The redirect_uri MUST match the registered callback URL for this application.";
        return refuse(callback.clone(), "redirect_uri_mismatch", text, &uri, one_time);
    }
    if query.deny.is_some() {
        let uri = format!("{TROUBLE}-authorization-request-errors/#access-denied");
        return refuse(
            target,
            "access_denied",
            "The user has denied your application access.",
            &uri,
            one_time,
        );
    }
    if query.code_challenge.is_some() && query.code_challenge_method.as_deref() != Some("S256") {
        return page(
            400,
            "Bad challenge",
            "<p>Only the <code>S256</code> code challenge method is known.</p>",
        );
    }
    let Some(login) = query.login.as_deref() else {
        return page(200, "Sign in to the GitHub sandbox", &choices(request.query_string()));
    };
    let (account, former) = match state.world.account(login) {
        Found::Here(account) => (account, false),
        Found::Moved(account) => (account, true),
        Found::Nowhere => return page(404, "Not found", "<p>Nobody here has this login.</p>"),
    };
    if !matches!(account.who, Who::Persona(_)) {
        return page(404, "Not found", "<p>Nobody here has this login.</p>");
    }
    let code = state.new_code(Grant {
        session: Session::new(account.id, former, &query.scope),
        redirect_uri,
        challenge: query.code_challenge.clone(),
        expires: state.clock.now() + Duration::minutes(10),
    });
    let mut target = target;
    target.query_pairs_mut().append_pair("code", &code);
    if let Some(one_time) = one_time {
        target.query_pairs_mut().append_pair("state", one_time);
    }
    redirect(target)
}

/// GitHub's rule: the registered host and port, and a path at or below the registered one.
fn is_below(target: &Url, callback: &Url) -> bool {
    let root = callback.path().trim_end_matches('/');
    let below = target.path().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    target.origin() == callback.origin() && below
}

fn refuse(mut target: Url, error: &str, text: &str, uri: &str, one_time: Option<&str>) -> HttpResponse {
    target
        .query_pairs_mut()
        .append_pair("error", error)
        .append_pair("error_description", text)
        .append_pair("error_uri", uri);
    if let Some(one_time) = one_time {
        target.query_pairs_mut().append_pair("state", one_time);
    }
    redirect(target)
}

fn redirect(target: Url) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, target.as_str())).finish()
}

fn choices(query: &str) -> String {
    let mut html = String::from("<p>These people are invented. Whom do you want to be?</p><ul>");
    let query = escape(query);
    for persona in PERSONAS {
        for login in [Some(persona.login), persona.former].into_iter().flatten() {
            let _ = write!(
                html,
                "<li><a href=\"?{query}&amp;login={login}\"><b>{login}</b></a><br>{}</li>",
                escape(persona.summary)
            );
        }
    }
    let _ = write!(html, "</ul><p><a href=\"?{query}&amp;deny=1\">Decline</a></p>");
    html
}

fn page(status: u16, title: &str, body: &str) -> HttpResponse {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>body{{font:16px \
         system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}li{{margin:.6rem 0}}</style>\
         <h1>{title}</h1>{body}</html>"
    );
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .insert_header(("x-content-type-options", "nosniff"))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Exchanges a code. Errors are told with status 200, as GitHub tells them.
pub(super) async fn access_token(
    request: HttpRequest,
    state: Data<State>,
    form: Form<HashMap<String, String>>,
) -> HttpResponse {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let answer = exchange(&state, field);
    let wants = |kind: &str| {
        request
            .headers()
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains(kind))
    };
    let members: Vec<(&str, String)> = match &answer {
        Ok(session) => vec![
            ("access_token", state.issue(*session)),
            ("token_type", "bearer".to_owned()),
            ("scope", session.scopes().collect::<Vec<_>>().join(",")),
        ],
        Err((error, text, uri)) => vec![
            ("error", (*error).to_owned()),
            ("error_description", (*text).to_owned()),
            ("error_uri", format!("{TROUBLE}-{uri}")),
        ],
    };
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "max-age=0, private, must-revalidate"));
    if wants("application/json") {
        let body: serde_json::Map<_, _> =
            members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        return response.json(body);
    }
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(members);
    response.content_type("application/x-www-form-urlencoded; charset=utf-8").body(body.finish())
}

type Refused = (&'static str, &'static str, &'static str);

fn exchange<'a>(state: &State, field: impl Fn(&str) -> &'a str) -> Result<Session, Refused> {
    if field("client_id") != state.client_id || !state.is_secret(field("client_secret")) {
        return Err((
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
            "oauth-app-access-token-request-errors/#incorrect-client-credentials",
        ));
    }
    let bad = (
        "bad_verification_code",
        "The code passed is incorrect or expired.",
        "oauth-app-access-token-request-errors/#bad-verification-code",
    );
    let grant = state.take_code(field("code")).ok_or(bad)?;
    let redirect_uri = field("redirect_uri");
    if !redirect_uri.is_empty() && redirect_uri != grant.redirect_uri {
        return Err((
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
            "authorization-request-errors/#redirect-uri-mismatch2",
        ));
    }
    if let Some(challenge) = grant.challenge {
        let verifier = field("code_verifier");
        if !(43..=128).contains(&verifier.len()) {
            return Err(bad);
        }
        let shown = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
        if shown.as_str() != challenge {
            return Err(bad);
        }
    }
    Ok(grant.session)
}
