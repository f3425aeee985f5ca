//! What holds for every request and is read off the API's own description: no unknown query parameters, HEAD where
//! there is GET, 405 with `Allow`, 406 for callers who take no JSON.

use std::collections::{BTreeSet, HashMap};
use std::str::Split;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use assay_kernel::{Code, Error, Result};
use assay_platform::web::Problem;
use serde_json::Value;

use crate::app::openapi::Document;

/// Operations whose query others write: GitHub may add parameters to its redirect.
pub const OPEN_QUERY: &[&str] = &["finish_github_sign_in"];

/// The operations, as far as their paths, methods and query parameters go: a tree of path segments.
#[derive(Debug, Default)]
pub struct Operations {
    literal: HashMap<String, Operations>,
    parameter: Option<Box<Operations>>,
    here: Option<PathOperations>,
}

#[derive(Debug)]
struct PathOperations {
    template: Arc<str>,
    methods: Vec<MethodOperation>,
}

#[derive(Debug)]
struct MethodOperation {
    method: Method,
    query: BTreeSet<String>,
    open: bool,
}

impl Operations {
    /// Reads them off a description.
    pub fn of(openapi: &Value) -> Self {
        let mut root = Self::default();
        for (path, item) in openapi["paths"].as_object().into_iter().flatten() {
            let node = segments(path).fold(&mut root, |node, segment| match segment.starts_with('{') {
                true => node.parameter.get_or_insert_default(),
                false => node.literal.entry(segment.to_owned()).or_default(),
            });
            let methods = item.as_object().into_iter().flatten().filter_map(MethodOperation::of).collect();
            node.here = Some(PathOperations { template: path.as_str().into(), methods });
        }
        root
    }

    /// The template of a path, as the description writes it.
    pub fn template(&self, path: &str) -> Option<Arc<str>> {
        self.first(segments(path), &mut |known| Some(known.template.clone()))
    }

    /// The first answer of `ask` among the paths that match; a literal segment is the better match, as in the router.
    fn first<'a, T>(
        &'a self,
        mut rest: Split<'_, char>,
        ask: &mut impl FnMut(&'a PathOperations) -> Option<T>,
    ) -> Option<T> {
        let Some(segment) = rest.next() else { return self.here.as_ref().and_then(ask) };
        let literal = self.literal.get(segment).and_then(|node| node.first(rest.clone(), ask));
        let parameter = self.parameter.as_ref().filter(|_| !segment.is_empty());
        literal.or_else(|| parameter?.first(rest, ask))
    }

    /// The `Allow` header of a path; none when no operation has it.
    pub fn allow(&self, path: &str) -> Option<String> {
        let mut methods: Vec<&str> = Vec::new();
        self.first(segments(path), &mut |known| {
            methods.extend(known.methods.iter().map(|operation| operation.method.as_str()));
            None::<()>
        });
        if methods.is_empty() {
            return None;
        }
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.dedup();
        Some(methods.join(", "))
    }

    /// 400 when the query names a parameter that the operation does not have.
    fn check_query(&self, method: &Method, path: &str, query: &str) -> Result<()> {
        let found = self.first(segments(path), &mut |known| {
            known.methods.iter().find(|operation| operation.method == *method)
        });
        let Some(operation) = found else {
            return Ok(());
        };
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !operation.open && !operation.query.contains(name.as_ref()) {
                let known =
                    operation.query.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let known =
                    if known.is_empty() { "it has none".to_owned() } else { format!("it has {known}") };
                let detail = format!("The operation has no query parameter of this name; {known}.");
                return Err(Error::new(Code::UnknownParameter, detail));
            }
        }
        Ok(())
    }
}

impl MethodOperation {
    fn of((method, operation): (&String, &Value)) -> Option<Self> {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).ok()?;
        let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        known.contains(&method).then(|| Self {
            method,
            open: operation["operationId"].as_str().is_some_and(|id| OPEN_QUERY.contains(&id)),
            query: operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                .collect(),
        })
    }
}

fn segments(path: &str) -> Split<'_, char> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// The middleware. It stands inside the edge.
pub async fn conform<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if request.method() == Method::HEAD {
        // The server knows from the request line that no body is to be sent.
        request.head_mut().method = Method::GET;
    }
    if let Err(error) = check(&request) {
        // An answer, not an error, so that it goes back through the edge.
        let (request, _) = request.into_parts();
        let response = HttpResponse::from_error(Problem(error));
        return Ok(ServiceResponse::new(request, response).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn check(request: &ServiceRequest) -> Result<()> {
    let path = request.path();
    // PostgreSQL cannot hold U+0000, so nothing is named by it.
    if request.uri().path().contains("%00") {
        return Err(Error::not_found("thing"));
    }
    let query = request.query_string();
    if !query.is_empty() {
        if query.contains("%00") {
            return Err(Error::new(Code::MalformedRequest, "The query must not contain U+0000."));
        }
        if let Some(document) = request.app_data::<Data<Document>>() {
            document.operations.check_query(request.method(), path, query)?;
        }
    }
    // Calendar programs ask for calendars.
    if path.starts_with("/v1/") && !path.starts_with("/v1/calendar/") && !takes_json(request) {
        return Err(Error::new(Code::NotAcceptable, Code::NotAcceptable.meaning()));
    }
    Ok(())
}

/// Browsers that are sent through a sign-in accept HTML and `*/*`.
fn takes_json(request: &ServiceRequest) -> bool {
    let mut sent =
        request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).peekable();
    if sent.peek().is_none() {
        return true;
    }
    sent.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        !refused
            && matches!(
                kind.as_str(),
                "" | "*/*" | "application/*" | "application/json" | "application/problem+json"
            )
    })
}

/// Answers what no route took.
pub async fn unmatched(request: HttpRequest, document: Data<Document>) -> Result<HttpResponse, Problem> {
    let Some(allow) = document.operations.allow(request.path()) else {
        return Err(Error::new(Code::NotFound, "No operation has this path.").into());
    };
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish());
    }
    let detail = format!("{} is not possible here; {allow} are.", request.method());
    let problem = Problem(Error::new(Code::MethodNotAllowed, detail));
    let mut response = actix_web::ResponseError::error_response(&problem);
    let allow = header::HeaderValue::from_str(&allow).map_err(|error| Problem(Error::internal(error)))?;
    response.headers_mut().insert(header::ALLOW, allow);
    Ok(HttpResponse::from_error(InternalError::from_response(problem, response)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operations() -> Operations {
        Operations::of(&json!({ "paths": {
            "/v1/things": { "get": { "parameters": [{ "in": "query", "name": "limit" }] }, "post": {} },
            "/v1/things/{id}": { "get": {}, "patch": {} },
            "/v1/things/mine": { "get": {} },
        }}))
    }

    #[test]
    fn allow_names_every_method_of_the_path() {
        let operations = operations();
        assert_eq!(operations.allow("/v1/things").as_deref(), Some("GET, HEAD, OPTIONS, POST"));
        assert_eq!(operations.allow("/v1/things/7").as_deref(), Some("GET, HEAD, OPTIONS, PATCH"));
        assert_eq!(operations.allow("/v1/things/"), None);
        assert_eq!(operations.allow("/v1/nothing"), None);
    }

    #[test]
    fn unknown_parameters_are_refused_where_the_operation_is_known() {
        let operations = operations();
        assert!(operations.check_query(&Method::GET, "/v1/things", "limit=3").is_ok());
        let refused = operations.check_query(&Method::GET, "/v1/things", "Limit=3").unwrap_err();
        assert_eq!(refused.code(), Code::UnknownParameter);
        assert!(operations.check_query(&Method::POST, "/v1/things", "limit=3").is_err());
        assert!(operations.check_query(&Method::GET, "/elsewhere", "x=3").is_ok());
    }
}
