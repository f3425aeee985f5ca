//! Lenient readers: what is not needed to be sure of an object may be of any shape.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// Longest message kept of a refusal.
const MESSAGE: usize = 200;

/// The `error` of an answer.
pub(super) struct ApiError {
    pub kind: String,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub param: Option<String>,
    pub message: String,
}

pub(super) fn error(body: &[u8]) -> Option<ApiError> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?.as_object()?;
    let word = |name: &str| {
        let text = error.get(name)?.as_str()?;
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_[]-.".contains(&byte);
        (text.len() <= 100 && text.bytes().all(fine)).then(|| text.to_owned())
    };
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    Some(ApiError {
        kind: word("type").unwrap_or_default(),
        code: word("code"),
        decline_code: word("decline_code"),
        param: word("param"),
        message: blot(message),
    })
}

/// A sentence without addresses, long numbers and keys, on one line.
fn blot(message: &str) -> String {
    let personal = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        word.contains('@')
            || word.starts_with("sk_")
            || word.starts_with("rk_")
            || digits > 8 && !word.contains('_')
    };
    let words = message.split_whitespace().map(|word| if personal(word) { "…" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| !c.is_control()).take(MESSAGE).collect()
}

/// A value of the type wanted, or its default: never a reason to refuse.
pub(super) fn soft<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(d: D) -> Result<T, D::Error> {
    let value = Value::deserialize(d)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// An id, or the id of the object that stands in its place.
pub(super) fn id_of(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("id")?.as_str()).map(str::to_owned)
}

pub(super) fn expandable<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(id_of(&Value::deserialize(d)?))
}

/// Text values only; others are passed over.
pub(super) fn metadata<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(map) = Value::deserialize(d)? else { return Ok(BTreeMap::new()) };
    let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
    Ok(map.into_iter().filter_map(text).collect())
}

/// The items of a list object that can be read.
pub(super) fn items<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Vec<T>, D::Error> {
    let items = match Value::deserialize(d)? {
        Value::Array(items) => items,
        Value::Object(mut list) => match list.remove("data") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

/// Minor units: an integer that every JSON reader represents exactly.
pub(super) fn amount<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    let amount = i64::deserialize(d)?;
    if amount.unsigned_abs() > assay_kernel::money::MAX_AMOUNT.unsigned_abs() {
        return Err(de::Error::custom("an amount too large"));
    }
    Ok(amount)
}

/// Three lower-case letters.
pub(super) fn currency<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let code = String::deserialize(d)?;
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase()) {
        Ok(code)
    } else {
        Err(de::Error::custom("not a currency"))
    }
}
