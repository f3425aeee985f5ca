//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod appeals;
mod applications;
mod approvals;
mod dto;
mod screening;

use assay_kernel::{Limit, Page, Result};
use assay_platform::web::{Cursor, Reply};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // Before `/v1/applications/{id}`: the router takes the first that fits.
    screening::routes(config);
    applications::routes(config);
    approvals::routes(config);
    appeals::routes(config);
}

/// A page of rows whose cursor is any position.
fn page_by<R, V: Serialize, P: Serialize>(
    mut rows: Vec<R>,
    limit: Limit,
    cursors: &Cursor<'_>,
    position: impl Fn(&R) -> P,
    view: impl Fn(R) -> Result<V>,
) -> Result<Reply> {
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next_cursor = match rows.last().filter(|_| more) {
        Some(last) => Some(cursors.encode(&position(last))?),
        None => None,
    };
    let data = rows.into_iter().map(view).collect::<Result<Vec<_>>>()?;
    Reply::ok(&Page { data, next_cursor })
}
