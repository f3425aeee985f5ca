//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod calibrations;
mod demographics;
mod metrics;
mod scores;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .configure(scores::routes)
        .configure(demographics::routes)
        .configure(calibrations::routes)
        .configure(metrics::routes);
}
