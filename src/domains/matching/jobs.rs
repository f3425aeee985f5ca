//! Once a day: what the ranking learns, and the market's metrics.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob, Registry};
use serde::Deserialize;
use serde_json::json;

use crate::service::{Matching, learning, market};

const LEARN: &str = "matching.learn";
const MEASURE: &str = "matching.measure";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, matching: &Matching) {
    let source = matching.source.clone();
    registry.on(LEARN, move |_: Ctx, _: Nothing| {
        let source = source.clone();
        async move { learning::learn_nightly(&source).await }
    });
    registry.on(MEASURE, |ctx: Ctx, _: Nothing| async move { market::measure(&ctx).await });
}

/// Enqueues what is done once a day, when a day is over; several processes may ask for it, one job comes of it.
///
/// # Errors
/// The database's failure.
pub async fn schedule(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    if !market::is_due(ctx, conn).await? {
        return Ok(());
    }
    for kind in [LEARN, MEASURE] {
        let job = NewJob { kind, payload: json!({}), dedupe_key: Some(kind.to_owned()), run_at: None };
        jobs::enqueue(ctx, conn, job).await?;
    }
    Ok(())
}
