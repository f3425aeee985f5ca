//! Text from people: normalised (Unicode NFC), trimmed, free of control, bidirectional and zero-width characters.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization;
use validator::ValidationError;

/// Text that a person wrote, trimmed and in NFC. Whether it is acceptable is for [`line`] and [`prose`] to say, so
/// that all bad fields of a request are told at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Trims and normalises.
    pub fn new(raw: &str) -> Self {
        Self(raw.trim().nfc().collect())
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer).map(|raw| Self::new(&raw))
    }
}
impl validator::ValidateLength<u64> for Text {
    fn length(&self) -> Option<u64> {
        u64::try_from(self.0.chars().count()).ok()
    }
}
impl utoipa::PartialSchema for Text {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}
impl utoipa::ToSchema for Text {
    fn name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }
}

/// Characters that can hide or reorder what a reader sees (Unicode Technical Report 36), or that PostgreSQL and
/// terminals cannot take.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{061C}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{2028}' | '\u{2029}' | '\u{E0000}'..='\u{E007F}')
}

/// For `#[validate(custom(function = "line"))]`: a name or title on one line.
pub fn line(text: &Text) -> Result<(), ValidationError> {
    refuse(text.chars().find(|c| is_deceptive(*c)))
}

/// For `#[validate(custom(function = "prose"))]`: text of several lines; line feeds, tabs and emoji joiners pass.
pub fn prose(text: &Text) -> Result<(), ValidationError> {
    refuse(text.chars().find(|c| is_deceptive(*c) && !matches!(c, '\n' | '\r' | '\t' | '\u{200D}')))
}

fn refuse(found: Option<char>) -> Result<(), ValidationError> {
    let Some(c) = found else { return Ok(()) };
    let message = format!("the character U+{:04X} is not allowed", u32::from(c));
    Err(ValidationError::new("invalid_format").with_message(message.into()))
}

/// For URLs that people give: `https` only, a host name, no credentials, at most 2,000 bytes.
pub fn https_url(text: &str) -> Result<(), ValidationError> {
    let fail =
        |message: &'static str| Err(ValidationError::new("invalid_format").with_message(message.into()));
    match url::Url::parse(text) {
        Ok(url) if text.len() <= 2_000 => {
            if url.scheme() != "https" || url.domain().is_none_or(|domain| !domain.contains('.')) {
                return fail("must be an https URL with a host name");
            }
            if !url.username().is_empty() || url.password().is_some() {
                return fail("must not contain credentials");
            }
            Ok(())
        }
        _ => fail("must be a valid URL of at most 2,000 characters"),
    }
}

/// For IANA time zone names.
pub fn time_zone(text: &str) -> Result<(), ValidationError> {
    match text.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(ValidationError::new("unknown_value")
            .with_message("must be an IANA time zone name, e.g. `Europe/Berlin`".into())),
    }
}

/// For ISO 3166-1 alpha-2 country codes (form only: two capital letters).
pub fn country(text: &str) -> Result<(), ValidationError> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(ValidationError::new("invalid_format")
        .with_message("must be an ISO 3166-1 code of two capital letters".into()))
}

/// The beginning of a text, cut at a word within `max` characters, with an ellipsis when something was cut.
pub fn excerpt(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(max).collect();
    let end = cut.rfind(char::is_whitespace).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn composed_and_decomposed_letters_are_one() {
        assert_eq!(Text::new(" Jose\u{301} "), Text::new("José"));
    }

    #[test]
    fn names_cannot_hide_or_reorder_letters() {
        for bad in ["a\u{202E}b", "a\u{200B}b", "a\0b", "a\nb", "a\u{FEFF}b"] {
            assert!(line(&Text::new(bad)).is_err(), "{bad:?}");
        }
        assert!(line(&Text::new("Zoë O'Brien-Łukasz 李")).is_ok());
        assert!(prose(&Text::new("one\ntwo\tthree 👩‍💻")).is_ok());
        assert!(prose(&Text::new("nul \0 here")).is_err());
    }

    #[test]
    fn urls_must_be_https_with_a_host_name() {
        assert!(https_url("https://example.com/x?y=1").is_ok());
        for bad in [
            "http://example.com",
            "https://127.0.0.1/",
            "https://localhost",
            "https://u:p@example.com",
            "gopher://127.0.0.1",
            "javascript:alert(1)",
            "",
        ] {
            assert!(https_url(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_excerpt_is_never_longer(text in "\\PC{0,400}", max in 1_usize..200) {
            prop_assert!(excerpt(&text, max).chars().count() <= max + 1);
        }
    }
}
