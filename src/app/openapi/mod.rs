//! The description of the API: collected from the routes, completed with what holds for every operation.

mod complete;
mod compose;

use std::sync::LazyLock;

use assay_platform::crypto::{base64url, sha256};
use serde_json::Value;
use utoipa::OpenApi as _;

use crate::app::api;
use crate::app::http::conform::Operations;

pub use complete::{IF_MATCH, KEY_REQUIRED, NOT_IDEMPOTENT};

/// Tag of what only the sandbox has.
pub const SANDBOX_TAG: &str = "sandbox";

/// The description, ready to be served; app data.
#[derive(Debug)]
pub struct Document {
    /// As JSON, compact.
    pub json: String,
    /// Entity tag of the text.
    pub etag: String,
    /// What the web edge needs of it.
    pub operations: Operations,
}

fn made() -> Value {
    let collected = api::collect();
    complete::complete(serde_json::to_value(&collected).unwrap_or_default())
}

/// The whole description, as committed in `api-spec/openapi.json`. For the tools: a service keeps only its text.
pub fn whole() -> &'static Value {
    static WHOLE: LazyLock<Value> = LazyLock::new(made);
    &WHOLE
}

/// The description as a text, pretty, with a line feed at its end.
pub fn pretty() -> String {
    let mut text = serde_json::to_string_pretty(whole()).unwrap_or_default();
    text.push('\n');
    text
}

/// What a service serves: without the sandbox where there is none. Made on a thread of its own, with which the many
/// megabytes go that are needed on the way.
///
/// # Panics
/// When making it does.
pub fn served(sandbox: bool) -> Document {
    std::thread::scope(|scope| match scope.spawn(|| text(sandbox)).join() {
        Ok(document) => document,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn text(sandbox: bool) -> Document {
    let mut value = made();
    if !sandbox && let Some(paths) = value["paths"].as_object_mut() {
        paths.retain(|_, item| {
            !item.as_object().into_iter().flatten().any(|(_, operation)| {
                operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == SANDBOX_TAG))
            })
        });
    }
    let json = value.to_string();
    let etag = format!("\"{}\"", base64url(&sha256(json.as_bytes())[..16]));
    Document { json, etag, operations: Operations::of(&value) }
}

/// What no route brings along.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Assay",
        description = "Back end of a vetted mid-market talent marketplace: vetted developers and clients with scoped \
                       projects of $5,000 to $50,000 find each other. Conventions, error codes and id prefixes: \
                       `api-spec/README.md`; the state machines: `GET /v1/process`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This service.")),
    components(schemas(assay_platform::web::problem::ProblemBody))
)]
struct Base;

/// The start of the description.
pub fn base() -> utoipa::openapi::OpenApi {
    let mut base = Base::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut base.info.version);
    base
}
