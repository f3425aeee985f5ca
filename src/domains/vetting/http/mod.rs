//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod appeals;
mod applications;
mod approvals;
mod dto;
mod screening;

use assay_platform::web::Routes;

/// Registers every route of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    // Before `/v1/applications/{id}`: the router takes the first that fits.
    screening::routes(routes);
    applications::routes(routes);
    approvals::routes(routes);
    appeals::routes(routes);
}
