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
    on!("timer:assessment:remind", on_remind_session);
    on!("timer:assessment:warn_absence", on_warn_absence);
    on!("timer:assessment:close_absence", on_close_absence);
    on!("timer:assessment:end", on_end_session);
}
