//! The operations of payments.

mod clients;
mod developers;
mod finance;
mod views;
mod webhooks;

use assay_kernel::Limit;
use assay_kernel::text::{self, Text};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

/// Registers the operations.
pub fn routes(config: &mut ServiceConfig<'_>) {
    clients::routes(config);
    developers::routes(config);
    finance::routes(config);
    webhooks::routes(config);
}

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    pub limit: Limit,
    /// Where to go on, from `next_cursor`.
    pub cursor: Option<String>,
}

/// Why finance staff do what they do.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinanceReason {
    /// For the audit log, and the person concerned.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "The payer has confirmed the payment by telephone.")]
    pub reason: Text,
}
