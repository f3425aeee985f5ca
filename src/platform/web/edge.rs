//! What every request passes: request id, identity, rate limit, cross-site defence, panic guard, headers, log line,
//! metrics. One middleware, so that the order is written down in one place.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, ResponseError};
use assay_kernel::{Actor, Code, Entropy, Error, Result};
use futures_util::FutureExt;
use metrics::{Counter, Histogram};

use super::auth::{Authenticator, Caller, Presented};
use super::problem::{Problem, respond};
use crate::db::STATEMENTS;
use crate::rate_limit::{Class, RateLimiter, Verdict};

/// The session cookie (RFC 6265bis `__Host-` prefix: Secure, no Domain, Path=/).
pub const SESSION_COOKIE: &str = "__Host-session";

/// Tells the template of a path.
pub type PathTemplate = dyn Fn(&str) -> Option<Arc<str>> + Send + Sync;

/// What the edge needs; app data.
#[derive(Clone)]
pub struct Edge {
    /// Turns credentials into actors.
    pub authenticator: Arc<dyn Authenticator + Send + Sync>,
    /// Counts requests.
    pub limiter: RateLimiter,
    /// Randomness for request ids.
    pub entropy: Entropy,
    /// The service's own origin and those allowed beside it.
    pub origins: Arc<[String]>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// Reached over https?
    pub https: bool,
    /// Tell the number of SQL statements of a request in `X-Db-Statements` (never in production).
    pub show_statements: bool,
    /// The template of a path (`/v1/projects/{id}`) for logs and metrics. The router could tell it too, but by matching
    /// every route a second time.
    pub template: Arc<PathTemplate>,
    /// Set when the service is stopping.
    pub draining: Arc<AtomicBool>,
}

/// The id under which a request is logged.
#[derive(Debug, Clone)]
pub struct RequestId(pub Rc<str>);

/// The caller's address, as far as it can be believed.
#[derive(Debug, Clone, Copy)]
pub struct ClientIp(pub Option<IpAddr>);

impl ClientIp {
    /// The address in text, `unknown` when there is none.
    pub fn text(&self) -> String {
        self.0.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string())
    }
}

impl actix_web::FromRequest for ClientIp {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(request.extensions().get::<ClientIp>().copied().unwrap_or(ClientIp(None))))
    }
}

/// A failure after which the request itself is gone (a panic in a handler).
#[derive(Debug)]
struct Lost {
    instance: String,
    request_id: Rc<str>,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the handler panicked")
    }
}

impl ResponseError for Lost {
    fn error_response(&self) -> HttpResponse {
        let error = Error::new(Code::Internal, Code::Internal.meaning());
        let mut response = respond(&error, Some(&self.instance), Some(&self.request_id));
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
        }
        response
    }
}

/// The middleware.
pub async fn edge<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(edge) = request.app_data::<actix_web::web::Data<Edge>>().cloned() else {
        return Err(Problem(Error::internal("the edge is not configured")).into());
    };
    let started = std::time::Instant::now();
    let request_id = request_id(request.headers(), &edge.entropy);
    let trace_id = trace_id(request.headers());
    let ip = client_ip(request.headers(), request.peer_addr().map(|addr| addr.ip()), &edge.trusted_proxies);
    let method = request.method().clone();
    let path = request.path().to_owned();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    request.extensions_mut().insert(ClientIp(ip));

    let statements = Cell::new(0);
    let (mut response, verdict, actor) = STATEMENTS
        .scope(statements, async {
            let (admitted, verdict) = admit(&edge, &request, ip).await;
            let actor = match admitted {
                Ok(actor) => actor,
                Err(error) => {
                    let response = request.into_response(respond(&error, Some(&path), Some(&request_id)));
                    log_failure(&error, &request_id);
                    return Ok((response, verdict, None));
                }
            };
            request.extensions_mut().insert(Caller(actor.clone()));
            let called = AssertUnwindSafe(next.call(request)).catch_unwind().await;
            let Ok(called) = called else {
                tracing::error!(request_id = %request_id, %method, "a handler panicked");
                return Err(Lost { instance: path.clone(), request_id: request_id.clone() }.into());
            };
            let mut response = finish(called?.map_into_boxed_body(), &path, &request_id);
            if edge.show_statements {
                let count = STATEMENTS.with(Cell::get);
                response.headers_mut().insert(HeaderName::from_static("x-db-statements"), count.into());
            }
            Ok::<_, actix_web::Error>((response, verdict, actor))
        })
        .await?;

    let route = (edge.template)(&path).unwrap_or_else(|| "unmatched".into());
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    set_headers(response.headers_mut(), &edge, &request_id, verdict, actor.is_some());
    measure(&route, &method, status, elapsed);
    tracing::debug!(
        target: "assay::access",
        request_id = %request_id,
        trace_id = trace_id.as_deref().unwrap_or(""),
        %method,
        route = &*route,
        status,
        ms = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX) / 1_000,
        account = actor.map(|actor| actor.account_id.to_string()).unwrap_or_default(),
        "request"
    );
    Ok(response)
}

/// The meters of answers, by route, method and status.
type Meters = HashMap<(Arc<str>, &'static str, u16), (Counter, Histogram)>;

thread_local! {
    /// The meters of what this thread has answered, so that a request looks one up instead of spelling its labels.
    static METERS: RefCell<Meters> = RefCell::default();
}

/// A method as a label; strangers' inventions are one, so that they cannot make meters without end.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn measure(route: &Arc<str>, method: &Method, status: u16, elapsed: std::time::Duration) {
    METERS.with_borrow_mut(|meters| {
        let (requests, duration) = meters.entry((route.clone(), label(method), status)).or_insert_with_key(
            |(route, method, status)| {
                let route = route.to_string();
                (
                    metrics::counter!("http_requests_total", "method" => *method,
                        "route" => route.clone(), "status" => status.to_string()),
                    metrics::histogram!("http_request_duration_seconds", "route" => route),
                )
            },
        );
        requests.increment(1);
        duration.record(elapsed.as_secs_f64());
    });
}

/// Limits, identity and the cross-site check, in this order.
async fn admit(
    edge: &Edge,
    request: &ServiceRequest,
    ip: Option<IpAddr>,
) -> (Result<Option<Rc<Actor>>>, Option<Verdict>) {
    let path = request.path();
    if matches!(path, "/livez" | "/readyz") {
        return (Ok(None), None);
    }
    let address = ClientIp(ip).text();
    let sign_in = path.starts_with("/v1/auth/");
    if sign_in {
        let verdict = edge.limiter.count(Class::SignIn, &address);
        if !verdict.allowed {
            return (Err(limited(verdict)), Some(verdict));
        }
    }
    let presented = match presented(request) {
        Ok(presented) => presented,
        Err(error) => return (Err(error), None),
    };
    let by_cookie = matches!(presented, Some(Presented::Cookie(_)));
    let actor = match presented {
        None => None,
        Some(presented) => match edge.authenticator.authenticate(presented).await {
            Ok(actor) => Some(Rc::new(actor)),
            // An ended browser session must not stand in the way of public pages and of signing in again.
            Err(error) if by_cookie && error.code() == Code::Unauthenticated => None,
            Err(error) => {
                let verdict = edge.limiter.count(Class::SignIn, &address);
                let error = if verdict.allowed { error } else { limited(verdict) };
                return (Err(error), Some(verdict));
            }
        },
    };
    let mut verdict = None;
    if !sign_in {
        let class = if request.method() == Method::GET && path == "/v1/projects" {
            Class::Search
        } else {
            Class::Default
        };
        let caller = actor.as_ref().map_or(address, |actor| actor.account_id.to_string());
        let counted = edge.limiter.count(class, &caller);
        if !counted.allowed {
            return (Err(limited(counted)), Some(counted));
        }
        verdict = Some(counted);
    }
    if by_cookie
        && actor.is_some()
        && !request.method().is_safe()
        && let Err(error) = same_site(edge, request.headers())
    {
        return (Err(error), verdict);
    }
    (Ok(actor), verdict)
}

fn limited(verdict: Verdict) -> Error {
    metrics::counter!("rate_limited_total", "class" => verdict.class.name()).increment(1);
    let detail =
        format!("More than {} requests a minute in the class `{}`.", verdict.quota, verdict.class.name());
    Error::new(Code::RateLimited, detail).with_retry_after(u64::try_from(verdict.reset.max(1)).unwrap_or(1))
}

fn presented(request: &ServiceRequest) -> Result<Option<Presented>> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        return match token {
            Some(token) if !token.is_empty() => Ok(Some(Presented::Bearer(token))),
            _ => Err(Error::new(Code::Unauthenticated, "Authorization must be `Bearer <token>`.")),
        };
    }
    Ok(request.cookie(SESSION_COOKIE).map(|cookie| Presented::Cookie(cookie.value().to_owned())))
}

/// Browsers send `Origin` with every request that changes something; what comes from another site is refused.
fn same_site(edge: &Edge, headers: &HeaderMap) -> Result<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let allowed = match (text("origin"), text("sec-fetch-site")) {
        (Some(origin), _) => edge.origins.iter().any(|known| known == origin),
        (None, Some(site)) => site == "same-origin" || site == "none",
        (None, None) => true,
    };
    if allowed { Ok(()) } else { Err(Error::new(Code::CrossSiteRequest, Code::CrossSiteRequest.meaning())) }
}

/// Gives an error answer its instance and request id, and logs ours with their causes.
fn finish(response: ServiceResponse<BoxBody>, path: &str, request_id: &str) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    if let Some(problem) = error.as_error::<Problem>() {
        log_failure(&problem.0, request_id);
        let rebuilt = respond(&problem.0, Some(path), Some(request_id));
        return keep_headers(response, rebuilt);
    }
    // Errors of actix itself: a request line or payload that it could not take.
    let code = match response.status().as_u16() {
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::RequestTimeout,
        413 => Code::BodyTooLarge,
        400..=499 => Code::MalformedRequest,
        _ => Code::Internal,
    };
    let failure = Error::new(code, code.meaning()).with_source(error.to_string());
    log_failure(&failure, request_id);
    let rebuilt = respond(&failure, Some(path), Some(request_id));
    keep_headers(response, rebuilt)
}

fn keep_headers(old: ServiceResponse<BoxBody>, mut rebuilt: HttpResponse) -> ServiceResponse<BoxBody> {
    if let Some(allow) = old.headers().get(header::ALLOW) {
        rebuilt.headers_mut().insert(header::ALLOW, allow.clone());
    }
    old.into_response(rebuilt)
}

fn log_failure(error: &Error, request_id: &str) {
    if error.code().status() >= 500 {
        tracing::error!(%request_id, code = %error.code(), cause = %error.chain(), "request failed");
    }
}

fn set_headers(
    headers: &mut HeaderMap,
    edge: &Edge,
    request_id: &str,
    verdict: Option<Verdict>,
    private: bool,
) {
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-request-id", request_id);
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("cross-origin-opener-policy", "same-origin");
    if edge.https {
        set("strict-transport-security", "max-age=63072000; includeSubDomains");
    }
    if let Some(verdict) = verdict {
        set("ratelimit-policy", &format!("\"{}\";q={};w=60", verdict.class.name(), verdict.quota));
        set(
            "ratelimit",
            &format!("\"{}\";r={};t={}", verdict.class.name(), verdict.remaining, verdict.reset),
        );
    }
    if !headers.contains_key("content-security-policy") {
        let csp = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    if !headers.contains_key(header::REFERRER_POLICY) {
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        let value = if private { "no-store" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    }
}

/// The caller's own id when it is harmless in a log, else a new one.
fn request_id(headers: &HeaderMap, entropy: &Entropy) -> Rc<str> {
    let sent = headers.get("x-request-id").and_then(|value| value.to_str().ok()).filter(|id| {
        (8..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    match sent {
        Some(id) => id.into(),
        None => hex::encode(entropy.bytes::<16>()).into(),
    }
}

/// The trace id of a W3C `traceparent`.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = value.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    (hex(version, 2) && hex(trace, 32)).then(|| trace.to_owned())
}

/// The peer's address, or, when the peer is a trusted proxy, the last address in `X-Forwarded-For` that is not one.
fn client_ip(headers: &HeaderMap, peer: Option<IpAddr>, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = peer?;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|address| address.trim().parse().ok())
        .collect();
    forwarded.into_iter().rev().find(|address| !trusted.contains(address)).or(Some(peer))
}

impl Edge {
    /// Is the service stopping?
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_only() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let forged = headers(&[("x-forwarded-for", "6.6.6.6, 203.0.113.9")]);
        assert_eq!(client_ip(&forged, Some(ip("198.51.100.1")), &[]), Some(ip("198.51.100.1")));
        assert_eq!(client_ip(&forged, Some(ip("10.0.0.1")), &[ip("10.0.0.1")]), Some(ip("203.0.113.9")));
        assert_eq!(client_ip(&headers(&[]), Some(ip("10.0.0.1")), &[ip("10.0.0.1")]), Some(ip("10.0.0.1")));
    }

    #[test]
    fn request_ids_of_callers_are_kept_only_when_harmless() {
        let entropy = Entropy::seeded(1);
        assert_eq!(&*request_id(&headers(&[("x-request-id", "abc-12345")]), &entropy), "abc-12345");
        assert_ne!(&*request_id(&headers(&[("x-request-id", "a b\"c ------")]), &entropy), "a b\"c ------");
    }

    #[test]
    fn trace_ids_are_read_from_traceparent() {
        let sent = headers(&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]);
        assert_eq!(trace_id(&sent).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(trace_id(&headers(&[("traceparent", "junk")])), None);
    }
}
