//! Schemas that are composed by `allOf` become one object each, so that a closed part cannot refuse the others' members,
//! and generated clients have one plain type.

use serde_json::{Map, Value};

const PREFIX: &str = "#/components/schemas/";

/// Replaces every `allOf` of the document by what it means.
pub fn compose(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    walk(document, &schemas);
}

fn walk(value: &mut Value, schemas: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(parts)) = object.remove("allOf") {
                let mut whole = Map::new();
                for part in &parts {
                    merge(&mut whole, part, schemas);
                }
                merge(&mut whole, &Value::Object(std::mem::take(object)), schemas);
                *object = whole;
            }
            object.values_mut().for_each(|inner| walk(inner, schemas));
        }
        Value::Array(array) => array.iter_mut().for_each(|inner| walk(inner, schemas)),
        _ => {}
    }
}

/// Adds what a part says; later words win, members and requirements add up.
fn merge(whole: &mut Map<String, Value>, part: &Value, schemas: &Value) {
    let Some(part) = part.as_object() else { return };
    if let Some(name) = part.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix(PREFIX)) {
        merge(whole, &schemas[name], schemas);
    }
    for inner in part.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(whole, inner, schemas);
    }
    for (key, value) in part {
        match (key.as_str(), whole.get_mut(key), value) {
            ("$ref" | "allOf" | "additionalProperties", _, _) => {}
            // utoipa calls a member with a description of its own an object, whatever it is.
            ("type", Some(_), _) if value == "object" && !part.contains_key("properties") => {}
            ("properties", Some(Value::Object(known)), Value::Object(more)) => {
                known.extend(more.iter().map(|(name, schema)| (name.clone(), schema.clone())));
            }
            ("required", Some(Value::Array(known)), Value::Array(more)) => {
                let new: Vec<Value> = more.iter().filter(|name| !known.contains(name)).cloned().collect();
                known.extend(new);
            }
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::compose;

    #[test]
    fn parts_become_one_object_that_no_closed_part_refuses() {
        let mut document = json!({ "components": { "schemas": {
            "Closed": { "type": "object", "additionalProperties": false, "required": ["a"],
                "properties": { "a": { "type": "boolean" } }, "description": "Of the part." },
            "Whole": { "description": "Of the whole.", "allOf": [
                { "$ref": "#/components/schemas/Closed", "description": "The part." },
                { "type": "object", "required": ["b"], "properties": {
                    "b": { "allOf": [{ "type": "string", "enum": ["x"] }, { "type": "object", "description": "B." }] }
                } },
            ] },
        } } });
        compose(&mut document);
        assert_eq!(
            document["components"]["schemas"]["Whole"],
            json!({ "type": "object", "description": "Of the whole.", "required": ["a", "b"], "properties": {
                "a": { "type": "boolean" },
                "b": { "type": "string", "enum": ["x"], "description": "B." },
            } })
        );
    }
}
