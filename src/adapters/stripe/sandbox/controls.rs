//! What the sandbox has beyond Stripe: orders to misbehave, and the pages that people see.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, http::header::LOCATION};
use serde::Deserialize;
use serde_json::{Value, json};

use super::connect::{self, Visit};
use super::faults::Fault;
use super::server::{State, control_answer};
use super::webhooks::{self, Endpoint};
use super::world::{DISPUTE, Settings};
use super::{disputes, payments};

/// `POST /_sandbox/faults`
pub async fn faults(state: Data<State>, fault: Json<Fault>) -> HttpResponse {
    state.world().faults.orders.push(fault.into_inner());
    HttpResponse::Created().finish()
}

/// `POST /_sandbox/webhooks`: one more endpoint.
pub async fn add_endpoint(state: Data<State>, endpoint: Json<Endpoint>) -> HttpResponse {
    state.world().endpoints.push(endpoint.into_inner());
    HttpResponse::Created().finish()
}

/// `POST /_sandbox/deliver`: when it answers, nothing that was due is on its way any more.
pub async fn deliver(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "delivered": webhooks::deliver(&state).await }))
}

/// `POST /_sandbox/settings`
pub async fn settings(state: Data<State>, settings: Json<Settings>) -> HttpResponse {
    state.world().settings = settings.into_inner();
    HttpResponse::NoContent().finish()
}

/// `GET /_sandbox/requests`: how often each path was asked.
pub async fn requests(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(&state.world().requests)
}

/// `POST /_sandbox/reset`: forgets faults and counts.
pub async fn reset(state: Data<State>) -> HttpResponse {
    let mut world = state.world();
    world.faults.orders.clear();
    world.requests.clear();
    HttpResponse::NoContent().finish()
}

/// A charge that something happens to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfCharge {
    charge: String,
    reason: Option<String>,
    amount: Option<i64>,
}

/// `POST /_sandbox/disputes`
pub async fn open_dispute(state: Data<State>, order: Json<OfCharge>) -> HttpResponse {
    let reason = order.reason.as_deref().unwrap_or("product_not_received");
    control_answer(disputes::open(&mut state.world(), &order.charge, reason, order.amount))
}

/// The bank's word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    won: bool,
}

/// `POST /_sandbox/disputes/{id}/decide`
pub async fn decide_dispute(state: Data<State>, id: Path<String>, decision: Json<Decision>) -> HttpResponse {
    let mut world = state.world();
    disputes::decide(&mut world, &id, decision.won);
    control_answer(world.need(DISPUTE, None, &id))
}

/// `POST /_sandbox/early_fraud_warnings`
pub async fn warn(state: Data<State>, order: Json<OfCharge>) -> HttpResponse {
    control_answer(payments::warn(&mut state.world(), &order.charge))
}

/// `POST /_sandbox/accounts/{id}/restrict`
pub async fn restrict(state: Data<State>, id: Path<String>) -> HttpResponse {
    control_answer(connect::restrict(&mut state.world(), &id))
}

/// `?complete` answers all questions at once.
#[derive(Deserialize)]
pub struct Complete {
    complete: Option<String>,
}

/// `GET /setup/{token}`: the page of an account link.
pub async fn setup(state: Data<State>, token: Path<String>, query: Query<Complete>) -> HttpResponse {
    let visit = connect::visit(&mut state.world(), &token, query.complete.is_some());
    match visit {
        Visit::Nowhere => HttpResponse::NotFound().finish(),
        Visit::Elsewhere(url) => HttpResponse::Found().insert_header((LOCATION, url)).finish(),
        Visit::Page(account) => page(&format!(
            "<h1>Sandbox Stripe</h1><p>Account {account} wants to be paid. Stripe would ask who you are and where your \
             bank is.</p><form><button name=\"complete\" value=\"1\">Answer everything</button></form>"
        )),
    }
}

/// `GET /authenticate/{id}`: where a payer says yes.
pub async fn authenticate(state: Data<State>, id: Path<String>, query: Query<Complete>) -> HttpResponse {
    if query.complete.is_none() {
        return page(
            "<h1>Sandbox Stripe</h1><p>Your bank asks whether it is you who pays.</p>\
             <form><button name=\"complete\" value=\"1\">It is me</button></form>",
        );
    }
    match payments::authenticate(&mut state.world(), &id) {
        None => HttpResponse::NotFound().finish(),
        Some(Value::String(url)) => HttpResponse::Found().insert_header((LOCATION, url)).finish(),
        Some(_) => HttpResponse::Ok().json(json!({ "authenticated": true })),
    }
}

fn page(body: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-security-policy", "default-src 'none'"))
        .body(format!("<!doctype html><title>Sandbox Stripe</title>{body}"))
}
