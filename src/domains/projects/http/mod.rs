//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod bid_dto;
mod bids;
mod curation;
mod dto;
mod invitations;
mod projects;

use assay_platform::web::Routes;

/// Registers what is asked most, to be asked first.
pub fn asked_most(routes: &mut Routes<'_>) {
    routes.service(projects::get_project).service(projects::search_projects).service(bids::create_bid);
}

/// Registers every other route of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    projects::routes(routes);
    curation::routes(routes);
    bids::routes(routes);
    invitations::routes(routes);
}
