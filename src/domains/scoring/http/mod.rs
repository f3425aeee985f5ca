//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(_config: &mut ServiceConfig<'_>) {}
