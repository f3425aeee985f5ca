//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

#[macro_use]
mod acts;
mod change_orders;
mod contracts;
mod decisions;
mod dispute_views;
mod disputes;
mod dto;
mod milestones;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    milestones::routes(config);
    contracts::routes(config);
    change_orders::routes(config);
    disputes::routes(config);
}
