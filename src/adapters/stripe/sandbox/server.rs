//! From a request to an operation: who asks, faults, stored answers, the table of paths, the record.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::faults::{Fault, Kind};
use super::world::{self, Answer, Call, Kind as Of, Refused, World, text};
use super::{connect, disputes, funds, methods, payments, refunds, webhooks};
use crate::stripe::Form;

/// What the handlers share.
pub struct State {
    world: Mutex<World>,
    pub secret_key: SecretString,
    pub http: reqwest::Client,
    /// Held by whoever delivers webhooks: so they go one after the other.
    pub delivering: tokio::sync::Mutex<()>,
    /// Set before the listener closes: a worker may still serve a connection that was open.
    pub stopped: AtomicBool,
    /// Where exchanges are written, one a line.
    pub record: Option<PathBuf>,
}

/// The answer that a key brings again.
#[derive(Clone, Debug)]
pub struct Stored {
    method_and_path: String,
    form: Form,
    status: u16,
    body: Value,
}

impl State {
    pub fn new(
        world: World,
        secret_key: SecretString,
        http: reqwest::Client,
        record: Option<PathBuf>,
    ) -> Self {
        Self {
            world: Mutex::new(world),
            secret_key,
            http,
            delivering: tokio::sync::Mutex::default(),
            stopped: AtomicBool::new(false),
            record,
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// One exchange in the format of the check against Stripe's description.
    fn record(&self, method: &str, path: &str, form: &Form, status: u16, body: &Value) {
        let Some(file) = &self.record else { return };
        let form: &[(String, String)] = if method == "POST" { form.pairs() } else { &[] };
        let line = json!({ "method": method, "path": path, "form": form, "status": status, "body": body });
        // One write, so that tests in parallel do not mix their lines.
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            tracing::error!(%error, "the exchange is not recorded");
        }
    }
}

/// How an exchange ends.
struct End {
    status: u16,
    body: Value,
    replayed: bool,
    /// The connection breaks instead.
    lost: bool,
}

impl End {
    fn of(answer: Answer) -> Self {
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(refused) => (refused.status, json!({ "error": refused.error })),
        };
        Self { status, body, replayed: false, lost: false }
    }

    fn failed() -> Self {
        let message = "An unknown error occurred.";
        Self::of(Err(Refused::new(500, "api_error", message)))
    }
}

/// Everything below `/v1`.
pub async fn api(request: HttpRequest, bytes: Bytes, state: Data<State>) -> HttpResponse {
    if state.is_stopped() {
        return HttpResponse::ServiceUnavailable().force_close().finish();
    }
    let method = request.method().as_str().to_owned();
    let path = request.path().to_owned();
    let form = match method.as_str() {
        "POST" => Form::parse(&bytes),
        _ => Form::parse(request.query_string().as_bytes()),
    };
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let fault = {
        let mut world = state.world();
        *world.requests.entry(format!("{method} {path}")).or_default() += 1;
        world.faults.take_request(&method, &path)
    };
    if let Some(Fault { kind: Kind::Slow, millis, .. }) = &fault {
        actix_web::rt::time::sleep(Duration::from_millis(millis.unwrap_or(3_000))).await;
    }
    let call = Call {
        form,
        account: header("stripe-account"),
        key: header("idempotency-key").filter(|_| method == "POST"),
        request_id: state.world().new_id("req"),
    };
    let bearer = header("authorization").unwrap_or_default();
    let end = if bearer.strip_prefix("Bearer ") == Some(state.secret_key.expose_secret()) {
        exchange(&mut state.world(), &method, &path, &call, fault.as_ref())
    } else {
        End::of(Err(Refused::new(401, "invalid_request_error", "Invalid API Key provided.")))
    };
    let early = std::mem::take(&mut state.world().early);
    for delivery in early {
        webhooks::send(&state, delivery).await;
    }
    if end.lost {
        let half = futures_util::stream::iter([
            Ok(Bytes::from_static(b"{\"id\":")),
            Err(std::io::Error::other("lost on demand")),
        ]);
        return HttpResponse::Ok().content_type("application/json").streaming(half);
    }
    state.record(&method, &path, &call.form, end.status, &end.body);
    let status = StatusCode::from_u16(end.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponseBuilder::new(status);
    response.insert_header(("request-id", call.request_id.as_str()));
    if let Some(key) = &call.key {
        response.insert_header(("idempotency-key", key.as_str()));
    }
    if end.replayed {
        response.insert_header(("idempotent-replayed", "true"));
    }
    if end.status == 429 {
        let seconds = fault.and_then(|fault| fault.seconds).unwrap_or(1);
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    response.json(&end.body)
}

/// One request under the lock: so nothing else happens between its parts.
fn exchange(world: &mut World, method: &str, path: &str, call: &Call, fault: Option<&Fault>) -> End {
    world.tick();
    match fault.map(|fault| fault.kind) {
        Some(Kind::ErrorBefore) => return End::failed(),
        Some(Kind::RateLimited) => {
            return End::of(Err(
                Refused::new(429, "invalid_request_error", "Too many requests.").code("rate_limit")
            ));
        }
        Some(Kind::KeyInUse) => {
            let message = "There is currently another in-progress request using this Idempotency Key.";
            let refused = Refused::new(409, "idempotency_error", message).code("idempotency_key_in_use");
            return End::of(Err(refused));
        }
        _ => {}
    }
    let method_and_path = format!("{method} {path}");
    let place = call.key.clone().map(|key| (call.account.clone(), key));
    if let Some(stored) = place.as_ref().and_then(|place| world.answers.get(place)) {
        if stored.form != call.form || stored.method_and_path != method_and_path {
            let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
            return End::of(Err(Refused::new(400, "idempotency_error", message)));
        }
        return End { status: stored.status, body: stored.body.clone(), replayed: true, lost: false };
    }
    let kind = fault.map(|fault| fault.kind);
    let (end, keep) = if kind == Some(Kind::StoredError) {
        (End::failed(), true)
    } else {
        let answer = operation(world, method, path, call);
        let early = answer.as_ref().is_err_and(|refused| refused.early);
        match kind {
            Some(Kind::StoredErrorAfter) => (End::failed(), true),
            _ => (End::of(answer), !early),
        }
    };
    if let Some(place) = place.filter(|_| keep) {
        let stored =
            Stored { method_and_path, form: call.form.clone(), status: end.status, body: end.body.clone() };
        world.answers.insert(place, stored);
    }
    match kind {
        Some(Kind::ErrorAfter) => End::failed(),
        Some(Kind::LostAnswer) => End { lost: true, ..end },
        _ => end,
    }
}

/// The table of operations.
fn operation(world: &mut World, method: &str, path: &str, call: &Call) -> Answer {
    let below = path.trim_start_matches("/v1/");
    let account = call.account.as_deref();
    if let Some(account) = account
        && world.get(world::ACCOUNT, account).is_none()
    {
        let message = "The provided key does not have access to this account, or it does not exist.";
        return Err(Refused::new(403, "invalid_request_error", message).code("account_invalid"));
    }
    let segments: Vec<&str> = below.split('/').collect();
    match (method, segments.as_slice()) {
        ("POST", ["payment_intents"]) => payments::create(world, call),
        ("POST", ["payment_intents", id, "confirm"]) => payments::confirm(world, call, id),
        ("POST", ["payment_intents", id, "cancel"]) => payments::cancel(world, call, id),
        ("POST", ["setup_intents"]) => payments::create_setup(world, call),
        ("POST", ["customers"]) => payments::create_customer(world, call),
        ("POST", ["payment_methods", id, "attach"]) => methods::attach(world, call, id),
        ("POST", ["refunds"]) => refunds::create(world, call),
        ("POST", ["accounts"]) => connect::create_account(world, call),
        ("POST", ["account_links"]) => connect::create_link(world, call),
        ("POST", ["transfers"]) => connect::create_transfer(world, call),
        ("POST", ["transfers", id, "reversals"]) => connect::reverse(world, call, id),
        ("POST", ["payouts"]) => connect::create_payout(world, call),
        ("POST", ["disputes", id]) => disputes::update(world, call, id),
        (
            "POST",
            [kind @ ("accounts" | "transfers" | "payment_intents" | "charges" | "refunds" | "customers"), id],
        ) => {
            let kind = kind_at(kind).ok_or_else(|| unknown(method, path))?;
            world.need(kind, account, id)?;
            world.merge_metadata(kind, id, call);
            world.need(kind, account, id)
        }
        ("GET", ["balance"]) => Ok(funds::balance(world, account)),
        ("GET", ["transfers", id, "reversals"]) => {
            world.need(world::TRANSFER, None, id)?;
            world.list(world::REVERSAL, call, path, |reversal| reversal["transfer"] == *id)
        }
        ("GET", ["transfers", id, "reversals", reversal]) => {
            let found = world.need(world::REVERSAL, None, reversal)?;
            if found["transfer"] == *id {
                Ok(found)
            } else {
                Err(Refused::no_such("transfer_reversal", reversal))
            }
        }
        ("GET", ["balance_transactions"]) => {
            let payout = call.form.get("payout").map(str::to_owned);
            world.list(world::TRANSACTION, call, path, |found| {
                payout.as_deref().is_none_or(|id| found["source"] == id)
            })
        }
        ("GET", [kind]) => match kind_at(kind) {
            Some(kind) => world.list(kind, call, path, |_| true),
            None => Err(unknown(method, path)),
        },
        ("GET", ["radar", "early_fraud_warnings"]) => world.list(world::WARNING, call, path, |_| true),
        ("GET", ["radar", "early_fraud_warnings", id]) => world.need(world::WARNING, None, id),
        ("GET", [kind, id]) => match kind_at(kind) {
            Some(kind) => world.need(kind, account, id),
            None => Err(unknown(method, path)),
        },
        _ => Err(unknown(method, path)),
    }
}

fn kind_at(path: &str) -> Option<Of> {
    world::KINDS.iter().copied().find(|kind| kind.path == path && *kind != world::REVERSAL)
}

fn unknown(method: &str, path: &str) -> Refused {
    let mut refused = Refused::invalid(format!("Unrecognized request URL ({method}: {path})."));
    refused.status = 404;
    refused.early()
}

/// What a control answers.
pub fn control_answer(answer: Answer) -> HttpResponse {
    match answer {
        Ok(body) => HttpResponse::Ok().json(body),
        Err(refused) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST);
            HttpResponseBuilder::new(status).json(json!({ "error": text(&refused.error["message"]) }))
        }
    }
}
