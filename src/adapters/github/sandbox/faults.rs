//! Faults on demand: how tests and demonstrations make GitHub misbehave.

use std::sync::atomic::Ordering;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LINK, LOCATION, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::payload;
use super::state::{Requests, State};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// 403 with nothing remaining until `seconds` (3,600) from now.
    PrimaryRateLimit,
    /// 403 with `Retry-After: seconds` (60).
    SecondaryRateLimit,
    /// 503, or `status`.
    ServerError,
    /// The right answer, `millis` (3,000) late.
    Slow,
    /// 200, or `status`, with `body` (half a JSON document), `content_type`, `link`, `location`.
    Malformed,
    /// The connection breaks in the middle of the answer.
    Drop,
}

/// One order: the next `count` requests below `path_prefix` go wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    kind: Kind,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    path_prefix: String,
    seconds: Option<i64>,
    millis: Option<u64>,
    status: Option<u16>,
    body: Option<String>,
    content_type: Option<String>,
    link: Option<String>,
    location: Option<String>,
}

fn one() -> u32 {
    1
}

/// `POST /_sandbox/faults`
pub(super) async fn order(state: Data<State>, fault: web::Json<Fault>) -> HttpResponse {
    let fault = fault.into_inner();
    let answer = json!({ "kind": fault.kind, "count": fault.count, "path_prefix": fault.path_prefix });
    state.memory().faults.push(fault);
    HttpResponse::Created().json(answer)
}

/// `GET /_sandbox/requests`
pub(super) async fn requests(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(&state.memory().requests)
}

/// `POST /_sandbox/reset`: forgets faults and counts.
pub(super) async fn reset(state: Data<State>) -> HttpResponse {
    let mut memory = state.memory();
    memory.faults.clear();
    memory.requests = Requests::default();
    HttpResponse::NoContent().finish()
}

/// `POST /_sandbox/revoke`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    id: i64,
}

/// Ends the tokens of the account with that number, as a person can in GitHub's settings.
pub(super) async fn revoke(state: Data<State>, revoke: web::Json<Revoke>) -> HttpResponse {
    if state.world.account_by_id(revoke.id).is_none() {
        return HttpResponse::NotFound().json(payload::error(404, "Not Found", "rest"));
    }
    state.revoke(revoke.id);
    HttpResponse::NoContent().finish()
}

/// Counts requests and lets the ordered faults happen.
pub(super) async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<Data<State>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    if state.stopped.load(Ordering::Relaxed) {
        return Ok(request.into_response(HttpResponse::ServiceUnavailable().force_close().finish()));
    }
    if request.path().starts_with("/_sandbox") {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    let fault = {
        let mut memory = state.memory();
        memory.requests.total += 1;
        let key = format!("{} {}", request.method(), request.path());
        *memory.requests.by_path.entry(key).or_default() += 1;
        take(&mut memory.faults, request.path())
    };
    match fault {
        None => {}
        Some(Fault { kind: Kind::Slow, millis, .. }) => {
            actix_web::rt::time::sleep(std::time::Duration::from_millis(millis.unwrap_or(3_000))).await;
        }
        Some(fault) => {
            let response = answer(&state, &fault, request.request());
            return Ok(request.into_response(response));
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn take(faults: &mut Vec<Fault>, path: &str) -> Option<Fault> {
    let place = faults.iter().position(|fault| fault.count > 0 && path.starts_with(&fault.path_prefix))?;
    faults[place].count -= 1;
    if faults[place].count == 0 { Some(faults.remove(place)) } else { Some(faults[place].clone()) }
}

fn answer(state: &State, fault: &Fault, request: &HttpRequest) -> HttpResponse {
    let status = |usual: StatusCode| {
        fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(usual)
    };
    match fault.kind {
        Kind::PrimaryRateLimit => {
            let reset = state.clock.now().timestamp().saturating_add(fault.seconds.unwrap_or(3_600));
            HttpResponseBuilder::new(status(StatusCode::FORBIDDEN))
                .insert_header(("x-ratelimit-limit", "5000"))
                .insert_header(("x-ratelimit-remaining", "0"))
                .insert_header(("x-ratelimit-used", "5000"))
                .insert_header(("x-ratelimit-reset", reset.to_string()))
                .insert_header(("x-ratelimit-resource", "core"))
                .json(payload::error(403, "API rate limit exceeded for user.", "rest/rate-limit"))
        }
        Kind::SecondaryRateLimit => {
            let mut response = HttpResponseBuilder::new(status(StatusCode::FORBIDDEN));
            match fault.seconds {
                // No time named, as GitHub does at times.
                Some(0) => {}
                seconds => {
                    response.insert_header((RETRY_AFTER, seconds.unwrap_or(60).to_string()));
                }
            }
            response.json(payload::error(403, "You have exceeded a secondary rate limit.", "rest/rate-limit"))
        }
        Kind::ServerError => HttpResponseBuilder::new(status(StatusCode::SERVICE_UNAVAILABLE))
            .content_type("text/html")
            .body("<html><body>Unicorn!</body></html>"),
        Kind::Malformed => {
            let mut response = HttpResponseBuilder::new(status(StatusCode::OK));
            let content_type = fault.content_type.as_deref().unwrap_or("application/json; charset=utf-8");
            response.insert_header((CONTENT_TYPE, content_type));
            for (name, value) in [(LINK, &fault.link), (LOCATION, &fault.location)] {
                if let Some(value) = value {
                    response.insert_header((name, value.as_str()));
                }
            }
            response.body(fault.body.clone().unwrap_or_else(|| "{\"login\": \"ada".to_owned()))
        }
        Kind::Slow | Kind::Drop => {
            let path = request.path().to_owned();
            let half = futures_util::stream::iter([
                Ok(Bytes::from_static(b"{\"login\":")),
                Err(std::io::Error::other(format!("dropped on demand: {path}"))),
            ]);
            HttpResponse::Ok().content_type("application/json; charset=utf-8").streaming(half)
        }
    }
}
