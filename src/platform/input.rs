//! JSON input: read, checked against its type and its validation rules, with every fault as a JSON Pointer.

use assay_kernel::{Code, Error, FieldError, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use crate::strict::Strict;

/// Reads any JSON object.
///
/// # Errors
/// `malformed_request`.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>> {
    demand_object(bytes)?;
    serde_json::from_slice(bytes)
        .map_err(|error| Error::new(Code::MalformedRequest, format!("The body is not JSON: {error}.")))
}

/// Applies a merge patch (RFC 7396) to the JSON of `current` and reads the result as the same type, validated.
///
/// # Errors
/// `invalid_fields` with pointers into the merged document.
pub fn merge<T: serde::Serialize + DeserializeOwned + Validate>(
    current: &T,
    patch: &Map<String, Value>,
) -> Result<T> {
    let mut merged = serde_json::to_value(current).map_err(Error::internal)?;
    apply(&mut merged, &Value::Object(patch.clone()));
    parse(&serde_json::to_vec(&merged).map_err(Error::internal)?)
}

fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                apply(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

// Before anything is read: a body of another shape has no fields to point at.
fn demand_object(bytes: &[u8]) -> Result<()> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        return Ok(());
    }
    Err(Error::new(Code::MalformedRequest, "The body must be a JSON object."))
}

/// Reads and validates a JSON object.
///
/// # Errors
/// `malformed_request` when it is not JSON, `invalid_fields` with everything that is wrong.
pub fn parse<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T> {
    demand_object(bytes)?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(Strict(&mut deserializer)).map_err(|error| {
        let pointer = pointer_of(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            let (code, detail) = describe(&inner);
            Error::invalid_field(&pointer, code, detail)
        } else {
            Error::new(Code::MalformedRequest, format!("The body is not JSON: {}.", inner))
        }
    })?;
    deserializer
        .end()
        .map_err(|_| Error::new(Code::MalformedRequest, "Something follows the JSON object."))?;
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
            Segment::Map { key } => {
                pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")))
            }
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
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_f64().map(|float| format!("{float:.0}").parse().unwrap_or(0)))
}

fn fault_code(fault: &validator::ValidationError) -> &str {
    match fault.code.as_ref() {
        "length" => {
            let length = fault.params.get("value").map_or(0, |value| match value {
                Value::String(text) => i128::try_from(text.chars().count()).unwrap_or(i128::MAX),
                Value::Array(items) => i128::try_from(items.len()).unwrap_or(i128::MAX),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, serde::Serialize, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[validate(length(min = 2, max = 4))]
        name: String,
        #[validate(nested)]
        items: Vec<Item>,
    }

    #[derive(Debug, serde::Serialize, Deserialize, Validate)]
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
    fn a_merge_patch_replaces_removes_and_is_validated() {
        let current = Outer { name: "ab".into(), items: vec![] };
        let patch = |text: &str| merge(&current, &object(text.as_bytes()).unwrap());
        assert_eq!(patch(r#"{"name":"abc"}"#).unwrap().name, "abc");
        assert_eq!(patch(r#"{"name":null}"#).unwrap_err().fields()[0].code, "required");
        assert_eq!(patch(r#"{"name":"abcde"}"#).unwrap_err().fields()[0].code, "too_long");
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let code = |text: &str| parse::<Outer>(text.as_bytes()).unwrap_err().code();
        assert_eq!(code(r#"["ab",[]]"#), Code::MalformedRequest);
        assert_eq!(code(r#"{"name":"ab","items":[]} x"#), Code::MalformedRequest);
        assert_eq!(code(r#"{"name":"ab","items":["#), Code::MalformedRequest);
        let by_position = parse::<Outer>(br#"{"name":"ab","items":[{"weight":1},[2]]}"#).unwrap_err();
        assert_eq!(by_position.code(), Code::InvalidFields);
        assert_eq!(by_position.fields()[0].pointer, "/items/1");
        assert_eq!(by_position.fields()[0].code, "invalid_format");
        let unknown = parse::<Outer>(br#"{"name":"ab","items":[{"weight":1,"w":2}]}"#).unwrap_err();
        assert_eq!(unknown.fields()[0].pointer, "/items/0/w");
        assert_eq!(unknown.fields()[0].code, "not_allowed");
        let missing = parse::<Outer>(br#"{"name":"ab"}"#).unwrap_err();
        assert_eq!(missing.fields()[0].code, "required");
    }
}
