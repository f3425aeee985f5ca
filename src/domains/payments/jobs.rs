//! The worker's side: requests, the inbox, transfers whose time has come, the sweep, reconciliation.

use assay_kernel::{Code, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob, Registry};
use assay_platform::timers::Fired;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::service::{Payments, apply, commands, inbox, paying_out};

const SWEEP: &str = "payments.sweep";
const RECONCILE: &str = "payments.reconcile";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
struct Command {
    command: Uuid,
}

#[derive(Deserialize)]
struct Event {
    event: String,
}

#[derive(Deserialize)]
struct Object {
    kind: String,
    id: String,
    account: Option<String>,
}

#[derive(Deserialize)]
struct Developer {
    developer: Uuid,
}

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, payments: &Payments) {
    macro_rules! on {
        ($kind:expr, $type:ty, |$payments:ident, $payload:ident| $work:expr) => {
            let shared = payments.clone();
            registry.on($kind, move |_, $payload: $type| {
                let $payments = shared.clone();
                async move { $work.await }
            });
        };
    }
    on!(commands::SEND, Command, |payments, job| payments.send(job.command));
    on!(inbox::APPLY, Event, |payments, job| payments.handle(&job.event));
    on!(apply::REFRESH, Object, |payments, job| payments.look_now(
        &job.kind,
        &job.id,
        job.account.as_deref()
    ));
    on!(paying_out::PAY_OUT, Developer, |payments, job| payments.pay_out(job.developer));
    on!("timer:money_approval:expire", Fired, |payments, job| payments.on_approval_expired(job.subject));
    on!("timer:transfer:queue", Fired, |payments, job| payments.on_transfer_due(job.subject));
    on!(SWEEP, Nothing, |payments, _job| next_hour(payments.sweep()));
    on!(RECONCILE, Nothing, |payments, _job| next_hour(payments.reconcile()));
}

/// What an outage prevents is done an hour later.
async fn next_hour(work: impl Future<Output = Result<()>>) -> Result<()> {
    match work.await {
        Err(error) if error.code() == Code::ProviderUnavailable => {
            tracing::warn!(error = %error.chain(), "the payment provider does not answer");
            Ok(())
        }
        done => done,
    }
}

/// Asks for a sweep and a comparison with the provider: every hour.
///
/// # Errors
/// The database's failure.
pub async fn schedule(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    for kind in [SWEEP, RECONCILE] {
        let job = NewJob { kind, payload: json!({}), dedupe_key: Some(kind.to_owned()), run_at: None };
        jobs::enqueue(ctx, conn, job).await?;
    }
    Ok(())
}
