//! Routes of the application itself: health, process tables, problems, policy, documents, staff's view of jobs and of
//! the audit log, and the sandbox.

pub mod audit;
pub mod conform;
pub mod docs;
pub mod health;
pub mod jobs;
pub mod meta;
pub mod sandbox;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes that every profile has.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(health::routes)
        .configure(meta::routes)
        .configure(docs::routes)
        .configure(jobs::routes)
        .configure(audit::routes);
}
