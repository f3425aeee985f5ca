//! The operations of notifications.

mod events;
mod mail;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operations of notifications.
pub fn routes(config: &mut ServiceConfig) {
    events::routes(config);
    mail::routes(config);
}
