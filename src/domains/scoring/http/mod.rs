//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod calibrations;
mod demographics;
mod metrics;
mod scores;

use assay_platform::web::Routes;

/// Registers every route of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .configure(scores::routes)
        .configure(demographics::routes)
        .configure(calibrations::routes)
        .configure(metrics::routes);
}
