//! Shapes and routes of matching.

mod dto;
mod matches;
mod mine;
mod staff;

use assay_platform::web::Routes;

/// Registers every operation of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    // Before `/v1/matches/{id}`, which would take them for ids.
    staff::routes(routes);
    matches::routes(routes);
    mine::routes(routes);
}
