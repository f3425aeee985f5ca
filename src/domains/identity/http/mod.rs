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
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operations of identity. Handlers ask for `Data<Ctx>` and `Data<Identity>`.
pub fn routes(config: &mut ServiceConfig) {
    auth::routes(config);
    me::routes(config);
    consents::routes(config);
    data_requests::routes(config);
    second_factor::routes(config);
    tokens::routes(config);
    accounts::routes(config);
    invitations::routes(config);
    organisations::routes(config);
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
