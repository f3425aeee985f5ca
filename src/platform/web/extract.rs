//! Extractors with our errors: typed bodies with every fault at once, queries that refuse what they do not know.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Buf, Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use assay_kernel::{Code, Error, Result};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use validator::Validate;

use super::auth::Caller;
use super::problem::Problem;
use crate::crypto::sha256;
use crate::idempotency;
use crate::input::parse;

const PATCH_TYPES: &[&str] = &["application/merge-patch+json", "application/json"];

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
            let bytes = read(&request, payload, PATCH_TYPES).await?;
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
    let too_large =
        || Error::new(Code::BodyTooLarge, format!("The body may have {} bytes at most.", limits.bytes));
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.bytes) {
        return Err(too_large());
    }
    let collect = async {
        let mut body = BytesMut::with_capacity(declared.unwrap_or(1_024));
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|_| Error::new(Code::MalformedRequest, "The body could not be read."))?;
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

/// The body of a PATCH as a JSON Merge Patch document (RFC 7396), to be applied with
/// [`input::merge`](crate::input::merge).
#[derive(Debug)]
pub struct MergePatchDocument(pub serde_json::Map<String, serde_json::Value>);

impl FromRequest for MergePatchDocument {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(&request, payload, PATCH_TYPES).await?;
            Ok(Self(crate::input::object(&bytes)?))
        })
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
            let code = if message.starts_with("unknown field") {
                Code::UnknownParameter
            } else {
                Code::MalformedRequest
            };
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

/// The `Idempotency-Key` of a request by which money moves, demanded: 400 when it is missing.
#[derive(Debug, Clone)]
pub struct MoneyKey(IdempotencyKey);

impl std::ops::Deref for MoneyKey {
    type Target = IdempotencyKey;

    fn deref(&self) -> &IdempotencyKey {
        &self.0
    }
}

impl FromRequest for MoneyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key("idempotency-key") {
            let missing = Error::new(Code::IdempotencyKeyRequired, Code::IdempotencyKeyRequired.meaning());
            return ready(Err(Problem(missing)));
        }
        ready(IdempotencyKey::from_request(request, payload).into_inner().map(Self))
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
        let caller =
            request.extensions().get::<Caller>().and_then(|c| c.0.as_ref().map(|a| a.account_id.uuid()));
        let Some(caller) = caller else { return ready(Ok(Self(None))) };
        let route = format!("{} {}", request.method(), request.path());
        ready(Ok(Self(Some((caller, route, key.to_owned())))))
    }
}
