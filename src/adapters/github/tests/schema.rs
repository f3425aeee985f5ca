//! A small validator for the schemas of OpenAPI 3.0 (a dialect of its own: `nullable`, `discriminator`), so that no
//! crate is needed for one test. A keyword that it does not know is a fault, not a pass.

use chrono::DateTime;
use serde_json::{Map, Value};
use url::Url;

/// The faults of `value` against `schema`, with JSON pointers.
pub fn faults(description: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(description, schema, value, "", &mut faults);
    faults
}

/// Follows `$ref`s.
pub fn resolve<'a>(description: &'a Value, mut node: &'a Value) -> &'a Value {
    while let Some(target) = node.get("$ref").and_then(Value::as_str) {
        node = description.pointer(&target[1..]).unwrap_or_else(|| panic!("no {target}"));
    }
    node
}

const NOTES: &[&str] = &[
    "description",
    "title",
    "example",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "nullable",
    "discriminator",
    "externalDocs",
];

fn check(description: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let schema = resolve(description, schema);
    let Some(keywords) = schema.as_object() else {
        return faults.push(format!("{at}: the schema is not an object"));
    };
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    for (keyword, rule) in keywords {
        let mut fail = |text: String| faults.push(format!("{at}: {text}"));
        match keyword.as_str() {
            "type" => {
                let kind = rule.as_str().unwrap_or_default();
                if !has_type(value, kind) {
                    fail(format!("not of type {kind}: {value}"));
                }
            }
            "enum" if !rule.as_array().unwrap().contains(value) => fail(format!("{value} is not in {rule}")),
            "format" => {
                if let Some(text) = value.as_str()
                    && !has_format(text, rule.as_str().unwrap_or_default())
                {
                    fail(format!("{text:?} is not a {rule}"));
                }
            }
            "pattern" => fail("the validator does not know `pattern`".into()),
            "minimum" if value.as_f64().is_some_and(|n| n < rule.as_f64().unwrap()) => {
                fail(format!("less than {rule}"))
            }
            "maximum" if value.as_f64().is_some_and(|n| n > rule.as_f64().unwrap()) => {
                fail(format!("more than {rule}"))
            }
            "minLength"
                if value.as_str().is_some_and(|s| (s.chars().count() as u64) < rule.as_u64().unwrap()) =>
            {
                fail("too short".into());
            }
            "maxLength"
                if value.as_str().is_some_and(|s| s.chars().count() as u64 > rule.as_u64().unwrap()) =>
            {
                fail("too long".into());
            }
            "minItems" if value.as_array().is_some_and(|a| (a.len() as u64) < rule.as_u64().unwrap()) => {
                fail("too few items".into());
            }
            "maxItems" if value.as_array().is_some_and(|a| a.len() as u64 > rule.as_u64().unwrap()) => {
                fail("too many items".into());
            }
            "required" => {
                if let Some(object) = value.as_object() {
                    for name in rule.as_array().unwrap() {
                        if !object.contains_key(name.as_str().unwrap()) {
                            fail(format!("{name} is missing"));
                        }
                    }
                }
            }
            "properties" => {
                for (name, inner) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        check(description, inner, member, &format!("{at}/{name}"), faults);
                    }
                }
            }
            "additionalProperties" => additional(description, keywords, rule, value, at, faults),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(description, rule, item, &format!("{at}/{index}"), faults);
                }
            }
            "allOf" => {
                for inner in rule.as_array().unwrap() {
                    check(description, inner, value, at, faults);
                }
            }
            "anyOf" | "oneOf" => alternatives(description, schema, rule, value, at, faults),
            "enum" | "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => {}
            note if NOTES.contains(&note) || note.starts_with("x-") => {}
            unknown => fail(format!("the validator does not know `{unknown}`")),
        }
    }
}

fn additional(
    description: &Value,
    keywords: &Map<String, Value>,
    rule: &Value,
    value: &Value,
    at: &str,
    faults: &mut Vec<String>,
) {
    let known = keywords.get("properties").and_then(Value::as_object);
    for (name, member) in value.as_object().into_iter().flatten() {
        if known.is_some_and(|known| known.contains_key(name)) {
            continue;
        }
        match rule {
            Value::Bool(true) => {}
            Value::Bool(false) => faults.push(format!("{at}: {name} is not a known member")),
            inner => check(description, inner, member, &format!("{at}/{name}"), faults),
        }
    }
}

/// A discriminator chooses; otherwise any alternative may hold. (`oneOf` is not held to "exactly one": GitHub's
/// alternatives overlap.)
fn alternatives(
    description: &Value,
    schema: &Value,
    rule: &Value,
    value: &Value,
    at: &str,
    faults: &mut Vec<String>,
) {
    let discriminator = &schema["discriminator"];
    let chosen =
        discriminator["propertyName"].as_str().and_then(|name| value.get(name)).and_then(Value::as_str);
    if let Some(target) = chosen.and_then(|chosen| discriminator["mapping"].get(chosen)) {
        let inner = serde_json::json!({ "$ref": target });
        return check(description, &inner, value, at, faults);
    }
    let mut nearest: Option<Vec<String>> = None;
    for inner in rule.as_array().unwrap() {
        let mut found = Vec::new();
        check(description, inner, value, at, &mut found);
        if nearest.as_ref().is_none_or(|nearest| found.len() < nearest.len()) {
            nearest = Some(found);
        }
    }
    faults.extend(nearest.unwrap_or_default());
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    }
}

fn has_format(text: &str, format: &str) -> bool {
    match format {
        "uri" => Url::parse(text).is_ok(),
        "email" => text.contains('@'),
        "date-time" => DateTime::parse_from_rfc3339(text).is_ok(),
        _ => true,
    }
}

#[test]
fn the_validator_sees_faults() {
    let description = serde_json::json!({ "components": { "schemas": {
        "leaf": { "type": "string", "format": "uri", "nullable": true },
        "a": { "type": "object", "required": ["kind"], "properties": { "kind": { "enum": ["a"] } }, "additionalProperties": false },
        "b": { "type": "object", "required": ["x"], "properties": { "x": { "$ref": "#/components/schemas/leaf" } } },
    } } });
    let count = |schema: Value, value: Value| faults(&description, &schema, &value).len();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let b = || json(r##"{"$ref": "#/components/schemas/b"}"##);
    assert_eq!(count(b(), json(r#"{"x": null}"#)), 0);
    assert_eq!(count(b(), json(r#"{"x": "https://a.example"}"#)), 0);
    assert_eq!(count(b(), json(r#"{"x": "no uri"}"#)), 1);
    assert_eq!(count(b(), json(r#"{"x": 3}"#)), 1);
    assert_eq!(count(b(), json("{}")), 1);
    let list = json(
        r##"{"type": "array", "items": {"oneOf": [{"$ref": "#/components/schemas/a"}, {"$ref": "#/components/schemas/b"}]}}"##,
    );
    assert_eq!(count(list.clone(), json(r#"[{"kind": "a"}, {"x": null}]"#)), 0);
    assert_eq!(count(list.clone(), json(r#"[{"kind": "a", "more": 1}]"#)), 1);
    assert_eq!(count(list, json("{}")), 1);
    assert_eq!(count(json(r#"{"unheard": 1}"#), json("{}")), 1);
}
