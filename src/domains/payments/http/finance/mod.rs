//! Finance staff: what does not move, and what to do about it.

mod payees;
mod payment_disputes;
mod provider;
mod refunds;
mod transfers;

use assay_kernel::Limit;
use assay_platform::web::Routes;
use serde::Deserialize;
use utoipa::IntoParams;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    transfers::routes(routes);
    refunds::routes(routes);
    payment_disputes::routes(routes);
    payees::routes(routes);
    provider::routes(routes);
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListByState {
    /// Only those in this state of their process table.
    state: Option<String>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOpen {
    /// Only those that are open.
    #[serde(default)]
    open: bool,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}
