//! The timers and jobs of this domain.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob, Registry};
use assay_platform::timers::Fired;
use serde::Deserialize;
use serde_json::json;

use crate::service::Assessments;
use crate::service::anchors::ANCHORS_JOB;
use crate::service::waiting::LOOK_JOB;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, assessments: &Assessments) {
    macro_rules! on {
        ($kind:expr, $method:ident) => {
            let handler = assessments.clone();
            registry.on($kind, move |_, fired: Fired| {
                let assessments = handler.clone();
                async move { assessments.$method(fired).await }
            });
        };
    }
    on!("timer:assessment:remind", on_remind_session);
    on!("timer:assessment:warn_absence", on_warn_absence);
    on!("timer:assessment:close_absence", on_close_absence);
    on!("timer:assessment:end", on_end_session);
    on!("timer:assessment:remind_raters", on_remind_raters);
    on!("timer:assessment:rating_overdue", on_rating_overdue);
    on!("timer:assessment:feedback_overdue", on_feedback_overdue);
    on!("timer:assessment:publish", on_publish);
    on!("timer:assessment:appeal_overdue", on_assessment_appeal_overdue);
    on!("timer:assessment:expire_hold", on_expire_hold);
    on!("timer:assessment:look_for_slots", on_look_for_slots);
    on!("timer:anchor_card:remind", on_remind_anchor);
    let handler = assessments.clone();
    registry.on(ANCHORS_JOB, move |_, _: Nothing| {
        let assessments = handler.clone();
        async move { assessments.keep_anchors().await }
    });
    let handler = assessments.clone();
    registry.on(LOOK_JOB, move |_, _: Nothing| {
        let assessments = handler.clone();
        async move { assessments.look_for_slots().await }
    });
}

/// Enqueues the hourly look at the quarter's anchor sessions; several processes may ask for it, one job comes of it.
///
/// # Errors
/// The database's failure.
pub async fn schedule(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    let dedupe_key = Some(ANCHORS_JOB.to_owned());
    let job = NewJob { kind: ANCHORS_JOB, payload: json!({}), dedupe_key, run_at: None };
    jobs::enqueue(ctx, conn, job).await.map(drop)
}
