//! The API: every route of every part, once.

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, Error, web};
use assay_platform::web::Routes;
use assay_platform::web::edge::edge;

use super::http::conform::{conform, unmatched};
use super::services::Services;
use super::{domains, http, memory, openapi};

/// Registers every operation; the sandbox's own only where there is one.
fn routes(mut routes: Routes<'_>, sandbox: bool) {
    routes.configure(domains::routes).configure(http::routes);
    if sandbox {
        routes.configure(http::sandbox::routes);
    }
}

/// The description of every operation, as the routes tell it.
pub fn collect() -> utoipa::openapi::OpenApi {
    let mut description = openapi::base();
    routes(Routes::Described(&mut description), true);
    description
}

/// The application that each HTTP thread runs.
pub fn app(
    services: &Services,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let sandbox = !services.ctx.config.is_production();
    let origins = &services.ctx.config.server.cors_origins;
    let app = App::new()
        .configure(|config| routes(Routes::Served(config), sandbox))
        .configure(http::docs::pages)
        .configure(|config| services.app_data(config))
        .default_service(web::to(unmatched))
        .wrap(from_fn(conform))
        .wrap(from_fn(edge::<_>))
        .wrap(Condition::new(!origins.is_empty(), cors(origins)));
    memory::give_back();
    app
}

fn cors(origins: &[String]) -> Cors {
    let allowed = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "x-request-id",
        ])
        .expose_headers([
            "etag",
            "idempotency-replayed",
            "link",
            "location",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
        ])
        .supports_credentials()
        .max_age(600);
    origins.iter().fold(allowed, |cors, origin| cors.allowed_origin(origin))
}
