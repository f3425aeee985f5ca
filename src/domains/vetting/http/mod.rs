//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod appeals;
mod applications;
mod approvals;
mod dto;
mod screening;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // Before `/v1/applications/{id}`: the router takes the first that fits.
    screening::routes(config);
    applications::routes(config);
    approvals::routes(config);
    appeals::routes(config);
}
