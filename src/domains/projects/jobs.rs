//! The timers of this domain, as jobs. Each checks the present state, since a timer may fire late or twice.

use assay_platform::jobs::Registry;
use assay_platform::timers::Fired;

use crate::service::Projects;

/// Registers the handlers.
pub fn jobs(registry: &mut Registry, projects: &Projects) {
    macro_rules! on {
        ($kind:literal, $method:ident) => {
            let handler = projects.clone();
            registry.on($kind, move |_, fired: Fired| {
                let projects = handler.clone();
                async move { projects.$method(fired).await }
            });
        };
    }
    on!("timer:project:expire", on_expire);
    on!("timer:project:warn_expiry", on_warn_expiry);
    on!("timer:project:idle_pause", on_idle_pause);
    on!("timer:project:curation_overdue", on_curation_overdue);
    on!("timer:bid:expire_offer", on_offer_expired);
    on!("timer:invitation:expire", on_invitation_expired);
    on!("timer:curation_appeal:overdue", on_appeal_overdue);
}
