//! The timers of this domain, as jobs.

use assay_platform::jobs::Registry;
use assay_platform::timers::Fired;

use crate::service::Assessments;

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, assessments: &Assessments) {
    macro_rules! on {
        ($kind:literal, $method:ident) => {
            let handler = assessments.clone();
            registry.on($kind, move |_, fired: Fired| {
                let assessments = handler.clone();
                async move { assessments.$method(fired).await }
            });
        };
    }
    on!("timer:assessment:remind_raters", on_remind_raters);
    on!("timer:assessment:rating_overdue", on_rating_overdue);
    on!("timer:assessment:feedback_overdue", on_feedback_overdue);
    on!("timer:assessment:publish", on_publish);
    on!("timer:assessment:appeal_overdue", on_assessment_appeal_overdue);
}
