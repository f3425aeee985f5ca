//! What is done at night, and what follows a promoted calibration.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob, Registry};
use chrono::{DateTime, Duration, Timelike, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::service::recalibrate::{RESCORE, Rescore, nightly, rescore};
use crate::service::reports::nightly_validity;

const RECALIBRATE: &str = "scoring.recalibrate";
const VALIDITY: &str = "scoring.validity";
/// The hour of the night, UTC.
const HOUR: u32 = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Registers the handlers.
pub fn jobs(registry: &mut Registry) {
    registry.on(RECALIBRATE, |ctx: Ctx, _: Nothing| async move { nightly(&ctx).await });
    registry.on(VALIDITY, |ctx: Ctx, _: Nothing| async move { nightly_validity(&ctx).await });
    registry.on(RESCORE, |ctx: Ctx, task: Rescore| async move { rescore(&ctx, task).await });
}

/// Asks for the next night's calibration and report. Asked for every hour, one of each comes of it.
///
/// # Errors
/// The database's failure.
pub async fn schedule(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    for kind in [RECALIBRATE, VALIDITY] {
        let run_at = Some(next_night(ctx.clock.now()));
        let job = NewJob { kind, payload: json!({}), dedupe_key: Some(kind.to_owned()), run_at };
        jobs::enqueue(ctx, conn, job).await?;
    }
    Ok(())
}

fn next_night(now: DateTime<Utc>) -> DateTime<Utc> {
    let hours = (HOUR + 24 - now.hour() - 1) % 24 + 1;
    let whole = now.with_minute(0).and_then(|at| at.with_second(0)).and_then(|at| at.with_nanosecond(0));
    whole.unwrap_or(now) + Duration::hours(i64::from(hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_night_is_ahead_and_within_a_day() {
        let at = |text: &str| next_night(text.parse().unwrap()).to_rfc3339();
        assert_eq!(at("2026-11-21T18:30:05Z"), "2026-11-22T02:00:00+00:00");
        assert_eq!(at("2026-11-21T01:59:59Z"), "2026-11-21T02:00:00+00:00");
        assert_eq!(at("2026-11-21T02:00:00Z"), "2026-11-22T02:00:00+00:00");
    }
}
