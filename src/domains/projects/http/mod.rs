//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod bid_dto;
mod bids;
mod curation;
mod dto;
mod invitations;
mod projects;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // The router asks each route in turn, by a regular expression where the path has a parameter.
    config.service(projects::get_project).service(projects::search_projects).service(bids::create_bid);
    projects::routes(config);
    curation::routes(config);
    bids::routes(config);
    invitations::routes(config);
}
