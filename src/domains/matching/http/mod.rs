//! Shapes and routes of matching.

mod dto;
mod matches;
mod mine;
mod staff;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every operation of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // Before `/v1/matches/{id}`, which would take them for ids.
    staff::routes(config);
    matches::routes(config);
    mine::routes(config);
}
