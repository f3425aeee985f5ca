//! HTTP: shapes, OpenAPI, routes. No SQL, no rules.

mod sessions;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route of this domain.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.configure(sessions::routes);
}
