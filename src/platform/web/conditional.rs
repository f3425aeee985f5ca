//! Conditional requests (RFC 9110 §13): strong entity tags made of row versions.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use assay_kernel::{Code, Error, Result};

use super::problem::Problem;

/// The strong entity tag of a row version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The caller's `If-Match`, demanded: 428 when it is missing.
#[derive(Debug, Clone)]
pub struct IfMatch(Vec<String>);

impl IfMatch {
    /// 412 unless the caller has seen this version.
    pub fn check(&self, version: i64) -> Result<()> {
        self.check_tag(&etag(version))
    }

    /// 412 unless the caller has seen what has this entity tag.
    pub fn check_tag(&self, current: &str) -> Result<()> {
        if self.0.iter().any(|seen| seen == "*" || seen == current) {
            return Ok(());
        }
        Err(Error::new(Code::PreconditionFailed, Code::PreconditionFailed.meaning()))
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tags = header_list(request, header::IF_MATCH);
        ready(if tags.is_empty() {
            Err(Error::new(Code::PreconditionRequired, Code::PreconditionRequired.meaning()).into())
        } else {
            Ok(Self(tags))
        })
    }
}

fn header_list(request: &HttpRequest, name: header::HeaderName) -> Vec<String> {
    request
        .headers()
        .get_all(name)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect()
}

/// Does `If-None-Match` name this version? (Weak comparison, as RFC 9110 §13.1.2 says.)
pub fn none_match(request: &HttpRequest, etag: &str) -> bool {
    header_list(request, header::IF_NONE_MATCH)
        .iter()
        .any(|seen| seen == "*" || seen.strip_prefix("W/").unwrap_or(seen) == etag)
}
