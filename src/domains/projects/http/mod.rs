//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod bid_dto;
mod bids;
mod curation;
mod dto;
mod invitations;
mod projects;

use assay_platform::web::Routes;

/// Registers every route of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    // The router asks each route in turn, by a regular expression where the path has a parameter.
    routes.service(projects::get_project).service(projects::search_projects).service(bids::create_bid);
    projects::routes(routes);
    curation::routes(routes);
    bids::routes(routes);
    invitations::routes(routes);
}
