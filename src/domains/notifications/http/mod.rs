//! The operations of notifications.

mod events;
mod mail;

use assay_platform::web::Routes;

/// Registers the operations of notifications.
pub fn routes(routes: &mut Routes<'_>) {
    events::routes(routes);
    mail::routes(routes);
}
