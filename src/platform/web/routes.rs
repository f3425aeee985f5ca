//! How a part registers its operations: each handler once, for the server and for the description of the API.

use actix_web::dev::HttpServiceFactory;
use actix_web::web::ServiceConfig;
use utoipa::openapi::{Components, OpenApi};
use utoipa_actix_web::OpenApiFactory;

/// Who reads the list of operations. A server's thread takes the handlers alone: the descriptions of all operations
/// are thirty megabytes while they are collected, and what lives on would lie scattered among them.
#[expect(missing_debug_implementations, reason = "the server's side has none")]
pub enum Routes<'a> {
    /// A server's thread.
    Served(&'a mut ServiceConfig),
    /// The description of the API.
    Described(&'a mut OpenApi),
}

impl Routes<'_> {
    /// Registers one operation.
    pub fn service<F>(&mut self, handler: F) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        match self {
            Self::Served(config) => {
                config.service(handler);
            }
            Self::Described(description) => {
                description.paths.merge(handler.paths());
                let mut schemas = Vec::new();
                handler.schemas(&mut schemas);
                description.components.get_or_insert_with(Components::new).schemas.extend(schemas);
            }
        }
        self
    }

    /// Registers the operations of a part.
    pub fn configure(&mut self, part: impl FnOnce(&mut Self)) -> &mut Self {
        part(self);
        self
    }
}
