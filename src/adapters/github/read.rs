//! Deserializers that believe nothing: every text is capped and free of NUL, ids are positive, counts are not negative.
//!
//! Their messages never contain a value, because they end in logs.

use assay_kernel::text::{self, Text};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use url::Url;

/// GitHub's login grammar, with what it has let through over the years: hyphens anywhere but in front, `_` of managed
/// users, the `[bot]` of applications.
pub(super) fn is_login(login: &str) -> bool {
    let name = login.strip_suffix("[bot]").unwrap_or(login);
    (1..=39).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// GitHub's grammar of repository names.
pub(super) fn is_repo_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn string<'de, D: Deserializer<'de>>(deserializer: D, max: usize) -> Result<String, D::Error> {
    checked(String::deserialize(deserializer)?, max)
}

fn checked<E: de::Error>(raw: String, max: usize) -> Result<String, E> {
    if raw.len() > max {
        return Err(E::custom("text too long"));
    }
    if raw.contains('\0') {
        return Err(E::custom("text contains NUL"));
    }
    Ok(raw)
}

/// Free text on one line: normalised, with characters that hide or reorder letters taken out.
fn clean(raw: &str) -> String {
    let text = Text::new(raw);
    if text::line(&text).is_ok() {
        return text.into_string();
    }
    let spaced = raw.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    let kept: String =
        spaced.filter(|c| text::line(&Text::new(c.encode_utf8(&mut [0; 4]))).is_ok()).collect();
    Text::new(&kept).into_string()
}

pub(super) fn login<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let login = string(deserializer, 64)?;
    if is_login(&login) { Ok(login) } else { Err(de::Error::custom("not a login")) }
}

pub(super) fn repo_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = string(deserializer, 100)?;
    if is_repo_name(&name) { Ok(name) } else { Err(de::Error::custom("not a repository name")) }
}

pub(super) fn full_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = string(deserializer, 160)?;
    match name.split_once('/') {
        Some((owner, repo)) if is_login(owner) && is_repo_name(repo) => Ok(name),
        _ => Err(de::Error::custom("not an owner/name")),
    }
}

pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let id = i64::deserialize(deserializer)?;
    if id > 0 { Ok(id) } else { Err(de::Error::custom("an id must be positive")) }
}

/// Counts fit 53 bits, so that a sum of many cannot overflow.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let count = u64::deserialize(deserializer)
        .map_err(|_| de::Error::custom("a count must be an integer of at least 0"))?;
    if count < 1 << 53 { Ok(count) } else { Err(de::Error::custom("count too large")) }
}

pub(super) fn opt_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Count(#[serde(deserialize_with = "count")] u64);
    Ok(Option::<Count>::deserialize(deserializer)?.map(|count| count.0))
}

pub(super) fn line<'de, D: Deserializer<'de>, const MAX: usize>(deserializer: D) -> Result<String, D::Error> {
    string(deserializer, MAX).map(|raw| clean(&raw))
}

/// Optional text; null, absent and blank are the same.
pub(super) fn opt_line<'de, D: Deserializer<'de>, const MAX: usize>(
    d: D,
) -> Result<Option<String>, D::Error> {
    let Some(raw) = Option::<String>::deserialize(d)? else { return Ok(None) };
    let text = clean(&checked::<D::Error>(raw, MAX)?);
    Ok((!text.is_empty()).then_some(text))
}

pub(super) fn email<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let email = string(deserializer, 254)?;
    let fine = match email.rsplit_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !email.contains(|c: char| c.is_control() || c.is_whitespace())
        }
        None => false,
    };
    if fine { Ok(email) } else { Err(de::Error::custom("not an e-mail address")) }
}

pub(super) fn web_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    match Url::parse(&string(deserializer, 2_048)?) {
        Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(url),
        _ => Err(de::Error::custom("not a web address")),
    }
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    parse_time(&string(deserializer, 40)?)
}

pub(super) fn opt_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(text) => parse_time(&checked::<D::Error>(text, 40)?).map(Some),
        None => Ok(None),
    }
}

fn parse_time<E: de::Error>(text: &str) -> Result<DateTime<Utc>, E> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Ok(time.with_timezone(&Utc)),
        Err(_) => Err(E::custom("not an RFC 3339 time")),
    }
}

pub(super) fn topics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let raw = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
    if raw.len() > 100 {
        return Err(de::Error::custom("too many topics"));
    }
    raw.into_iter().map(|topic| checked::<D::Error>(topic, 100).map(|topic| clean(&topic))).collect()
}
