//! A successful answer: status, a few headers and a JSON text. It can be stored under an idempotency key and given
//! again byte for byte.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use assay_kernel::{Error, Page, Result};
use serde::Serialize;

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    /// The cursor of the page that follows.
    next: Option<String>,
}

impl Reply {
    /// 200 with a JSON body.
    pub fn ok(body: &impl Serialize) -> Result<Self> {
        Self::json(200, body)
    }

    /// 200 with a page of a list, and a `Link` to the next one (RFC 8288).
    pub fn page<T: Serialize>(page: &Page<T>) -> Result<Self> {
        Ok(Self::ok(page)?.next(page.next_cursor.clone()))
    }

    /// Tells that a page follows: its cursor.
    #[must_use]
    pub fn next(mut self, cursor: Option<String>) -> Self {
        self.next = cursor;
        self
    }

    /// 201 with the new resource and where it is.
    pub fn created(location: impl Into<String>, body: &impl Serialize) -> Result<Self> {
        Ok(Self::json(201, body)?.header("location", location))
    }

    /// 202: it will be done.
    pub fn accepted(body: &impl Serialize) -> Result<Self> {
        Self::json(202, body)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: String::new(), next: None }
    }

    /// 304 with the version that the caller has.
    pub fn not_modified(etag: impl Into<String>) -> Self {
        Self { status: 304, headers: vec![("etag".into(), etag.into())], body: String::new(), next: None }
    }

    /// 302 to another place.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self {
            status: 302,
            headers: vec![("location".into(), location.into())],
            body: String::new(),
            next: None,
        }
    }

    /// A text that is JSON already.
    pub fn raw_json(status: u16, body: String) -> Self {
        Self { status, headers: Vec::new(), body, next: None }
    }

    /// 200 with a text of that type.
    pub fn text(content_type: &str, body: String) -> Self {
        Self::raw_json(200, body).header("content-type", content_type)
    }

    /// 200 with a page. A form in it posts here with the service's own `Origin`, which `no-referrer` would hide.
    pub fn html(page: String) -> Self {
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            (
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
            ),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { status: 200, headers, body: page, next: None }
    }

    fn json(status: u16, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        Ok(Self { status, headers: Vec::new(), body, next: None })
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds the strong entity tag of the version shown.
    #[must_use]
    pub fn etag(self, etag: impl Into<String>) -> Self {
        self.header("etag", etag)
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body text.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The headers as stored under an idempotency key.
    pub fn stored_headers(&self) -> serde_json::Value {
        serde_json::json!(self.headers)
    }

    /// A stored answer, marked as given again.
    pub fn restore(status: i32, headers: serde_json::Value, body: String) -> Result<Self> {
        let status = u16::try_from(status).map_err(Error::internal)?;
        let headers = serde_json::from_value(headers).map_err(Error::internal)?;
        Ok(Self { status, headers, body, next: None }.header("idempotency-replayed", "true"))
    }
}

/// The request's own target with another cursor.
fn link_to_next(request: &HttpRequest, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let sent = url::form_urlencoded::parse(request.query_string().as_bytes());
    query.extend_pairs(sent.filter(|(name, _)| name != "cursor"));
    query.append_pair("cursor", cursor);
    format!("<{}?{}>; rel=\"next\"", request.uri().path(), query.finish())
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<BoxBody> {
        let etag = self.headers.iter().find(|(name, _)| name == "etag").map(|(_, value)| value.clone());
        let unchanged = self.status == 200
            && request.method().is_safe()
            && etag.as_deref().is_some_and(|etag| super::conditional::none_match(request, etag));
        let status = if unchanged { 304 } else { self.status };
        let mut builder = HttpResponseBuilder::new(
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        );
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value))
            {
                builder.append_header((name, value));
            }
        }
        if let Some(cursor) = &self.next {
            builder.append_header((header::LINK, link_to_next(request, cursor)));
        }
        if unchanged || self.body.is_empty() {
            return builder.finish();
        }
        if !self.headers.iter().any(|(name, _)| name == "content-type") {
            builder.insert_header((header::CONTENT_TYPE, "application/json"));
        }
        builder.body(self.body)
    }
}
