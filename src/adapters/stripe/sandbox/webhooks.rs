//! Deliveries: signed, in order of their time, tried again for three days.

use std::time::Duration;

use actix_web::web::Data;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;

use super::server::State;
use crate::stripe::webhook;

/// Who is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Where.
    pub url: String,
    /// The secrets that sign: more than one while they rotate.
    pub secrets: Vec<SecretString>,
    /// Is it told what happens on connected accounts, instead of on the platform?
    #[serde(default)]
    pub connect: bool,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub endpoint: usize,
    pub body: String,
    pub due: DateTime<Utc>,
    pub attempt: usize,
}

/// Pauses before further tries, in seconds of the sandbox's clock: three days in all.
const PAUSES: &[i64] = &[5, 60, 600, 3_600, 21_600, 43_200, 86_400, 86_400];
/// How often the sandbox looks for what is due.
const PULSE: Duration = Duration::from_millis(25);

/// Lets time pass and delivers until the sandbox stops.
pub async fn run(state: Data<State>) {
    while !state.is_stopped() {
        if !state.world().settings.by_hand {
            deliver(&state).await;
        }
        actix_web::rt::time::sleep(PULSE).await;
    }
}

/// Delivers what is due now, after what is being delivered. Returns how many were sent.
pub async fn deliver(state: &State) -> usize {
    let _in_order = state.delivering.lock().await;
    let mut sent = 0_usize;
    loop {
        let next = {
            let mut world = state.world();
            world.tick();
            let now = world.now();
            let place = world.outbox.iter().position(|delivery| delivery.due <= now);
            place.and_then(|place| world.outbox.remove(place))
        };
        let Some(delivery) = next else { return sent };
        send(state, delivery).await;
        sent = sent.saturating_add(1);
    }
}

/// One try; what is not taken is put back for later.
pub async fn send(state: &State, delivery: Delivery) {
    let (endpoint, now) = {
        let world = state.world();
        (world.endpoints.get(delivery.endpoint).cloned(), world.now())
    };
    let Some(endpoint) = endpoint else { return };
    let signature = webhook::sign(delivery.body.as_bytes(), &endpoint.secrets, now);
    let sent = state
        .http
        .post(&endpoint.url)
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
        .body(delivery.body.clone())
        .send()
        .await;
    let taken = sent.is_ok_and(|answer| answer.status().is_success());
    if !taken && let Some(pause) = PAUSES.get(delivery.attempt) {
        let due = now + chrono::Duration::seconds(*pause);
        state.world().outbox.push_back(Delivery { due, attempt: delivery.attempt + 1, ..delivery });
    }
}
