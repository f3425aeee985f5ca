//! Routes of the application itself: health, process tables, problems, policy, documents, staff's view of jobs and of
//! the audit log, and the sandbox.

pub mod audit;
pub mod conform;
pub mod docs;
pub mod health;
pub mod jobs;
pub mod meta;
pub mod sandbox;

use assay_platform::web::Routes;

/// Registers the routes that every profile has.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .configure(health::routes)
        .configure(meta::routes)
        .configure(docs::routes)
        .configure(jobs::routes)
        .configure(audit::routes);
}
