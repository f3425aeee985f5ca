//! Extractors with our errors: typed bodies with every fault at once, queries that refuse what they do not know.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Buf, Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use assay_kernel::{Code, Error, FieldError, Result};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::auth::Caller;
use super::problem::Problem;
use crate::crypto::sha256;
use crate::idempotency;

/// Limits on request bodies; app data.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Most bytes.
    pub bytes: usize,
    /// Longest time for the body to arrive.
    pub time: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes: 262_144, time: Duration::from_secs(10) }
    }
}

/// A JSON body, read and validated, with the hash that an idempotency key is bound to.
#[derive(Debug)]
pub struct Body<T> {
    value: T,
    hash: [u8; 32],
}

impl<T> Body<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Hash of the bytes as sent.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

impl<T> std::ops::Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The body of a PATCH: a JSON Merge Patch (RFC 7396), read and validated.
#[derive(Debug)]
pub struct MergePatch<T>(pub T);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(&request, payload, &["application/json"]).await?;
            Ok(Self { value: parse(&bytes)?, hash: sha256(&bytes) })
        })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for MergePatch<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(&request, payload, &["application/merge-patch+json", "application/json"]).await?;
            Ok(Self(parse(&bytes)?))
        })
    }
}

async fn read(request: &HttpRequest, mut payload: Payload, types: &[&str]) -> Result<Bytes, Error> {
    let content_type = request.content_type().to_ascii_lowercase();
    if !types.contains(&content_type.as_str()) || request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Error::new(Code::UnsupportedMediaType, Code::UnsupportedMediaType.meaning()));
    }
    let limits = request.app_data::<BodyLimits>().copied().unwrap_or_default();
    let too_large = || Error::new(Code::BodyTooLarge, format!("The body may have {} bytes at most.", limits.bytes));
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.bytes) {
        return Err(too_large());
    }
    let collect = async {
        let mut body = BytesMut::with_capacity(declared.unwrap_or(1_024));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Error::new(Code::MalformedRequest, "The body could not be read."))?;
            if body.len().saturating_add(chunk.remaining()) > limits.bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(limits.time, collect)
        .await
        .unwrap_or_else(|_| Err(Error::new(Code::RequestTimeout, Code::RequestTimeout.meaning())))
}

fn parse<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T> {
    // serde reads a JSON array into a struct by position; an object is what was promised.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Error::new(Code::MalformedRequest, "The body must be a JSON object."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer_of(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            let (code, detail) = describe(&inner);
            Error::invalid_field(&pointer, code, detail)
        } else {
            Error::new(Code::MalformedRequest, format!("The body is not JSON: {}.", inner))
        }
    })?;
    deserializer.end().map_err(|_| Error::new(Code::MalformedRequest, "Something follows the JSON object."))?;
    value.validate().map_err(|errors| Error::invalid(field_errors(&errors)))?;
    Ok(value)
}


fn describe(error: &serde_json::Error) -> (&'static str, String) {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(text, _)| text).to_owned();
    let code = if message.starts_with("missing field") {
        "required"
    } else if message.starts_with("unknown field") {
        "not_allowed"
    } else if message.starts_with("unknown variant") || message.contains("expected an ISO 4217") {
        "unknown_value"
    } else if message.starts_with("duplicate field") {
        "duplicate"
    } else {
        "invalid_format"
    };
    (code, message)
}

/// RFC 6901 from serde's path.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// Every fault that the validator found, as JSON Pointers.
pub fn field_errors(errors: &ValidationErrors) -> Vec<FieldError> {
    let mut out = Vec::new();
    collect("", errors, &mut out);
    out.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    out
}

fn collect(prefix: &str, errors: &ValidationErrors, out: &mut Vec<FieldError>) {
    for (field, kind) in errors.errors() {
        let pointer = if field == "__all__" { prefix.to_owned() } else { format!("{prefix}/{field}") };
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(&pointer, inner, out),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(&format!("{pointer}/{index}"), inner, out);
                }
            }
            ValidationErrorsKind::Field(faults) => {
                out.extend(faults.iter().map(|fault| FieldError {
                    pointer: pointer.clone(),
                    code: fault_code(fault).to_owned(),
                    detail: fault_detail(fault),
                }));
            }
        }
    }
}

fn param(fault: &validator::ValidationError, name: &str) -> Option<i128> {
    let value = fault.params.get(name)?;
    value.as_i64().map(i128::from).or_else(|| value.as_f64().map(|float| format!("{float:.0}").parse().unwrap_or(0)))
}

fn fault_code(fault: &validator::ValidationError) -> &str {
    match fault.code.as_ref() {
        "length" => {
            let length = fault.params.get("value").map_or(0, |value| match value {
                serde_json::Value::String(text) => i128::try_from(text.chars().count()).unwrap_or(i128::MAX),
                serde_json::Value::Array(items) => i128::try_from(items.len()).unwrap_or(i128::MAX),
                _ => 0,
            });
            if param(fault, "max").is_some_and(|max| length > max) { "too_long" } else { "too_short" }
        }
        "range" => "out_of_range",
        "email" | "url" | "regex" => "invalid_format",
        other => other,
    }
}

fn fault_detail(fault: &validator::ValidationError) -> String {
    if let Some(message) = &fault.message {
        return message.to_string();
    }
    let unit = if fault.code == "length" { " long (characters or items)" } else { "" };
    match (param(fault, "min"), param(fault, "max")) {
        (Some(min), Some(max)) => format!("must be between {min} and {max}{unit}"),
        (Some(min), None) => format!("must be at least {min}{unit}"),
        (None, Some(max)) => format!("must be at most {max}{unit}"),
        (None, None) => "is not acceptable".to_owned(),
    }
}

/// A typed query string. The type refuses unknown parameters (`deny_unknown_fields`).
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = actix_web::web::Query::<T>::from_query(request.query_string());
        ready(parsed.map(|query| Self(query.into_inner())).map_err(|error| {
            let message = match &error {
                actix_web::error::QueryPayloadError::Deserialize(inner) => inner.to_string(),
                _ => "the query string cannot be read".to_owned(),
            };
            let code =
                if message.starts_with("unknown field") { Code::UnknownParameter } else { Code::MalformedRequest };
            Problem(Error::new(code, format!("Query: {message}.")))
        }))
    }
}

/// Path parameters. What cannot be an id names nothing: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = actix_web::web::Path::<T>::from_request(request, payload).into_inner();
        ready(match path {
            Ok(path) => Ok(Self(path.into_inner())),
            Err(_) => Err(Error::not_found("thing").into()),
        })
    }
}

/// The optional `Idempotency-Key` of a request, scoped to its caller and route.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Option<(Uuid, String, String)>);

impl IdempotencyKey {
    /// The key for a request with this body.
    pub fn with<T>(&self, body: &Body<T>) -> Option<idempotency::Key> {
        self.with_hash(body.hash)
    }

    /// The key for a request without a body.
    pub fn bare(&self) -> Option<idempotency::Key> {
        self.with_hash(sha256(b""))
    }

    fn with_hash(&self, body_hash: [u8; 32]) -> Option<idempotency::Key> {
        let (caller, route, key) = self.0.clone()?;
        Some(idempotency::Key { caller, route, key, body_hash })
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let refuse = |detail: &str| Problem(Error::new(Code::MalformedRequest, detail));
        let Some(value) = request.headers().get("idempotency-key") else { return ready(Ok(Self(None))) };
        let key = value.to_str().unwrap_or("").trim();
        if key.is_empty() || key.len() > 255 {
            return ready(Err(refuse("Idempotency-Key must have 1 to 255 visible ASCII characters.")));
        }
        let caller = request.extensions().get::<Caller>().and_then(|c| c.0.as_ref().map(|a| a.account_id.uuid()));
        let Some(caller) = caller else { return ready(Ok(Self(None))) };
        let route = format!("{} {}", request.method(), request.path());
        ready(Ok(Self(Some((caller, route, key.to_owned())))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[validate(length(min = 2, max = 4))]
        name: String,
        #[validate(nested)]
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Item {
        #[validate(range(min = 1, max = 10_000))]
        weight: i32,
    }

    #[test]
    fn all_faults_are_told_at_once_with_pointers() {
        let error = parse::<Outer>(br#"{"name":"x","items":[{"weight":5},{"weight":0}]}"#).unwrap_err();
        let found: Vec<_> = error.fields().iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect();
        assert_eq!(found, [("/items/1/weight", "out_of_range"), ("/name", "too_short")]);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let code = |text: &str| parse::<Outer>(text.as_bytes()).unwrap_err().code();
        assert_eq!(code(r#"["ab",[]]"#), Code::MalformedRequest);
        assert_eq!(code(r#"{"name":"ab","items":[]} x"#), Code::MalformedRequest);
        assert_eq!(code(r#"{"name":"ab","items":["#), Code::MalformedRequest);
        let unknown = parse::<Outer>(br#"{"name":"ab","items":[{"weight":1,"w":2}]}"#).unwrap_err();
        assert_eq!(unknown.fields()[0].pointer, "/items/0/w");
        assert_eq!(unknown.fields()[0].code, "not_allowed");
        let missing = parse::<Outer>(br#"{"name":"ab"}"#).unwrap_err();
        assert_eq!(missing.fields()[0].code, "required");
    }
}
