//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod anchor_cards;
mod anchors;
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

use assay_platform::crypto::{base64url, sha256};
use assay_platform::web::Routes;

/// The entity tag of what is shown, where a version would count what is not for the caller.
fn tag_of(body: &str) -> String {
    format!("\"{}\"", base64url(&sha256(body.as_bytes())))
}

/// Registers every route of this domain.
pub fn routes(routes: &mut Routes<'_>) {
    // Fixed words come before ids.
    routes
        .configure(booking::fixed_routes)
        .configure(staff::fixed_routes)
        .configure(cards::routes)
        .configure(review::routes)
        .configure(integrity::routes)
        .configure(outcomes::routes)
        .configure(anchors::routes)
        .configure(anchor_cards::routes)
        .configure(assessors::routes)
        .configure(time_off::routes)
        .configure(assessments::routes)
        .configure(booking::routes)
        .configure(sessions::routes)
        .configure(feeds::routes)
        .configure(records::routes)
        .configure(staff::routes);
}
