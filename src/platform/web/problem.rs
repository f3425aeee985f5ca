//! Problem details (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use assay_kernel::error::WhyNot;
use assay_kernel::{Code, Error, FieldError};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::reply::Reply;

/// What a handler returns.
pub type Outcome = Result<Reply, Problem>;

/// An error on its way to the caller.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<crate::db::DbError> for Problem {
    fn from(error: crate::db::DbError) -> Self {
        Self(error.into())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The body of every error answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A URL that explains the problem; the service itself answers it.
    #[serde(rename = "type")]
    #[schema(example = "/v1/problems/not_found")]
    pub kind: String,
    /// The same for every occurrence of the code.
    #[schema(example = "Not found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// This occurrence, for a person.
    #[schema(example = "There is no such project, or it is not visible to you.")]
    pub detail: String,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/projects/prj_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub instance: Option<String>,
    /// The stable code.
    #[schema(example = "not_found")]
    pub code: String,
    /// Quote it when asking for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// All bad fields (422).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What the state does allow (409).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_actions: Option<Vec<String>>,
    /// The guards that block (409).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why_not: Vec<WhyNot>,
    /// The nearest starts that are free instead (409 `slot_taken`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<Vec<DateTime<Utc>>>,
}

impl ProblemBody {
    /// The body for an error; the edge adds `instance` and `request_id`.
    pub fn new(error: &Error) -> Self {
        let code = error.code();
        Self {
            kind: format!("/v1/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: error.detail().to_owned(),
            instance: None,
            code: code.to_string(),
            request_id: None,
            errors: error.fields().to_vec(),
            allowed_actions: error.allowed_actions().map(<[String]>::to_vec),
            why_not: error.why_not().to_vec(),
            alternatives: error.alternatives().map(<[_]>::to_vec),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        respond(&self.0, None, None)
    }
}

/// The whole answer for an error.
pub fn respond(error: &Error, instance: Option<&str>, request_id: Option<&str>) -> HttpResponse {
    let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponseBuilder::new(status);
    builder.insert_header((header::CONTENT_TYPE, "application/problem+json"));
    builder.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(seconds) = error.retry_after() {
        builder.insert_header((header::RETRY_AFTER, seconds));
    }
    match error.code() {
        Code::Unauthenticated | Code::InvalidRefreshToken => {
            builder.insert_header((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"assay\""),
            ));
        }
        Code::InsufficientScope => {
            builder.insert_header((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"assay\", error=\"insufficient_scope\""),
            ));
        }
        _ => {}
    }
    let mut body = ProblemBody::new(error);
    body.instance = instance.map(str::to_owned);
    body.request_id = request_id.map(str::to_owned);
    builder.json(body)
}
