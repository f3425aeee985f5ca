//! The operations of identity.

mod accounts;
mod auth;
mod consents;
mod data_requests;
mod invitations;
mod me;
mod organisations;
mod second_factor;
mod tokens;

use assay_kernel::Limit;
use assay_platform::web::Routes;
use serde::Deserialize;
use utoipa::IntoParams;

/// Registers the operations of identity. Handlers ask for `Data<Ctx>` and `Data<Identity>`.
pub fn routes(routes: &mut Routes<'_>) {
    auth::routes(routes);
    me::routes(routes);
    consents::routes(routes);
    data_requests::routes(routes);
    second_factor::routes(routes);
    tokens::routes(routes);
    accounts::routes(routes);
    invitations::routes(routes);
    organisations::routes(routes);
}

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Items on a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}
