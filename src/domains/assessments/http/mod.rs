//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod cards;
mod outcomes;
mod review;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // The rubric's paths come before those of one assessment.
    config.configure(cards::routes).configure(review::routes).configure(outcomes::routes);
}
