//! The description of the API, and a page to read and try it that needs no internet.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data};
use actix_web::{HttpResponse, get};
use assay_platform::web::{Outcome, Reply, Routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::openapi::Document;

/// The page brings its own scripts and styles, some of them inline; nothing comes from elsewhere.
const PAGE_CSP: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
                        img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Registers the routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(get_openapi);
}

/// Registers the interactive page, which is no operation of the API.
pub fn pages(config: &mut web::ServiceConfig) {
    let page = SwaggerUi::new("/{_:.*}")
        .config(Config::new(["/openapi.json"]).try_it_out_enabled(true).persist_authorization(false));
    config.route("/docs", web::get().to(async || see_other("/docs/"))).service(
        web::scope("/docs")
            .wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, PAGE_CSP)))
            .service(page),
    );
}

fn see_other(location: &'static str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// Shows the description of the API.
///
/// OpenAPI 3.1, generated from the code.
#[utoipa::path(
    tag = "about",
    responses((status = 200, description = "The description.", body = Object)),
    extensions(("x-access" = json!("public")))
)]
#[get("/openapi.json")]
async fn get_openapi(document: Data<Document>) -> Outcome {
    Ok(Reply::raw_json(200, document.json.clone()).etag(document.etag.clone()))
}
