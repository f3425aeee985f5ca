//! Holds every answer to the committed description.

use assay::app::openapi;
use assay::app::spec::operations;
use serde_json::Value;

/// The operation at a path, and its path template.
pub fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or(path);
    operations(openapi::whole())
        .filter(|(template, known, _)| known.eq_ignore_ascii_case(method) && fits(template, path))
        .min_by_key(|(template, _, _)| template.matches('{').count())
        .map(|(template, _, operation)| (template, operation))
}

/// Does the operation at a path demand an idempotency key?
pub fn demands_key(method: &str, path: &str) -> bool {
    let parameters = operation(method, path).and_then(|(_, operation)| operation["parameters"].as_array());
    let demanded = "#/components/parameters/RequiredIdempotencyKey";
    method == "POST" && parameters.is_some_and(|all| all.iter().any(|one| one["$ref"] == demanded))
}

fn fits(template: &str, path: &str) -> bool {
    let (mut known, mut sent) = (template.split('/'), path.split('/'));
    loop {
        match (known.next(), sent.next()) {
            (None, None) => return true,
            (Some(segment), Some(part)) if segment == part => {}
            (Some(segment), Some(part)) if segment.starts_with('{') && !part.is_empty() => {}
            _ => return false,
        }
    }
}

/// Panics unless the operation declares the status with the content type.
pub fn check(method: &str, path: &str, status: u16, content_type: Option<&str>) {
    let content_type = content_type.map(|text| text.split(';').next().unwrap_or(text).trim());
    if status >= 400 {
        assert_eq!(content_type, Some("application/problem+json"), "{method} {path} answers {status}");
    }
    let Some((template, operation)) = operation(method, path) else { return };
    // What the server itself answers before any operation.
    if status == 405 {
        return;
    }
    let response = &operation["responses"][status.to_string()];
    assert!(!response.is_null(), "{method} {template} answers {status}, which it does not declare");
    let response = resolve(response);
    let declared = response["content"].as_object();
    match (declared, content_type) {
        (Some(declared), Some(sent)) => {
            assert!(
                declared.contains_key(sent),
                "{method} {template} answers {status} with {sent}, not declared"
            );
        }
        (None, Some(sent)) => {
            panic!("{method} {template} answers {status} with {sent}, but declares no content")
        }
        (Some(_), None) => {
            panic!("{method} {template} answers {status} without the content that it declares")
        }
        (None, None) => {}
    }
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => {
            let found = openapi::whole().pointer(pointer.trim_start_matches('#'));
            found.unwrap_or_else(|| panic!("{pointer} names nothing"))
        }
        None => value,
    }
}
