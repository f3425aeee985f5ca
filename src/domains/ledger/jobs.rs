//! Snapshots and checks, every hour.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob, Registry};
use serde::Deserialize;
use serde_json::json;

use crate::service;
use crate::store::invariants::Invariants;

const SNAPSHOT: &str = "ledger.snapshot";
const CHECK: &str = "ledger.check";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, invariants: Invariants) {
    registry.on(SNAPSHOT, |ctx: Ctx, _: Nothing| async move { service::snapshot(&ctx).await.map(drop) });
    registry.on(
        CHECK,
        move |ctx: Ctx, _: Nothing| async move { service::check_and_tell(&ctx, invariants).await },
    );
}

/// Asks for a snapshot and a check.
///
/// # Errors
/// The database's failure.
pub async fn schedule(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    for kind in [SNAPSHOT, CHECK] {
        let job = NewJob { kind, payload: json!({}), dedupe_key: Some(kind.to_owned()), run_at: None };
        jobs::enqueue(ctx, conn, job).await?;
    }
    Ok(())
}
