//! The timers of this domain, as jobs.

use assay_platform::jobs::Registry;
use assay_platform::timers::Fired;

use crate::service::Vetting;

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, vetting: &Vetting) {
    macro_rules! on {
        ($kind:literal, $method:ident) => {
            let handler = vetting.clone();
            registry.on($kind, move |_, fired: Fired| {
                let vetting = handler.clone();
                async move { vetting.$method(fired).await }
            });
        };
    }
    on!("timer:application:expire", on_expire);
    on!("timer:application:lapse_claim", on_lapse_claim);
    on!("timer:application:remind_changes", on_remind_changes);
    on!("timer:application:screening_overdue", on_screening_overdue);
    on!("timer:approval:expire", on_approval_expire);
    on!("timer:approval:notice", on_approval_notice);
    on!("timer:appeal:overdue", on_appeal_overdue);
}
