//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod change_orders;
mod contracts;
mod decisions;
mod dispute_views;
mod disputes;
mod dto;
mod milestones;

use assay_platform::web::Routes;

/// Registers every route of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    milestones::routes(routes);
    contracts::routes(routes);
    change_orders::routes(routes);
    disputes::routes(routes);
}
