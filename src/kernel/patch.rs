//! JSON Merge Patch (RFC 7396): a member may be absent, null or a value.

use serde::{Deserialize, Deserializer};

/// A member of a merge patch. Use with `#[serde(default)]`, so that a missing member is [`Patch::Absent`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not mentioned: stays as it is.
    #[default]
    Absent,
    /// `null`: removed.
    Null,
    /// Replaced.
    Value(T),
}

impl<T> Patch<T> {
    /// Applies to a member that may be missing.
    pub fn apply(self, target: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *target = None,
            Self::Value(value) => *target = Some(value),
        }
    }

    /// The value, when there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<T>::deserialize(deserializer)? {
            None => Self::Null,
            Some(value) => Self::Value(value),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Profile {
        #[serde(default)]
        bio: Patch<String>,
    }

    #[test]
    fn absent_null_and_value_differ() {
        let bio = |text: &str| serde_json::from_str::<Profile>(text).unwrap().bio;
        assert_eq!(bio("{}"), Patch::Absent);
        assert_eq!(bio(r#"{"bio":null}"#), Patch::Null);
        assert_eq!(bio(r#"{"bio":"x"}"#), Patch::Value("x".into()));
        let mut target = Some("old".to_string());
        bio(r#"{"bio":null}"#).apply(&mut target);
        assert_eq!(target, None);
    }
}
