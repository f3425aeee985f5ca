//! Shapes and routes of matching.

mod dto;
mod matches;
mod mine;
mod staff;

use assay_platform::web::Routes;

/// Registers what is asked most, to be asked first.
pub fn asked_most(routes: &mut Routes<'_>) {
    routes.service(matches::create_match);
}

/// Registers every other operation of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    // Before `/v1/matches/{id}`, which would take them for ids.
    staff::routes(routes);
    matches::routes(routes);
    mine::routes(routes);
}
