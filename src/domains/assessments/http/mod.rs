//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod assessments;
mod assessors;
mod booking;
mod cards;
mod dto;
mod feeds;
mod integrity;
mod outcomes;
mod records;
mod review;
mod sessions;
mod staff;
mod time_off;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // Fixed words come before ids.
    config
        .configure(booking::fixed_routes)
        .configure(staff::fixed_routes)
        .configure(cards::routes)
        .configure(review::routes)
        .configure(integrity::routes)
        .configure(outcomes::routes)
        .configure(assessors::routes)
        .configure(time_off::routes)
        .configure(assessments::routes)
        .configure(booking::routes)
        .configure(sessions::routes)
        .configure(feeds::routes)
        .configure(records::routes)
        .configure(staff::routes);
}
