//! Stripe's form encoding: flat pairs whose names carry brackets, `metadata[milestone]=…`.

use std::fmt::Display;

use url::form_urlencoded;

/// A form under construction; pairs keep their order, so that the same call makes the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// An empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.pairs.push((name.into(), value.to_string()));
        self
    }

    /// With the value, if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With `name[key]=value` for each entry.
    #[must_use]
    pub fn with_map<'a>(self, name: &str, entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        entries.into_iter().fold(self, |form, (key, value)| form.with(format!("{name}[{key}]"), value))
    }

    /// With `name[0]=…`, `name[1]=…`.
    #[must_use]
    pub fn with_list<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values = values.into_iter().enumerate();
        values.fold(self, |form, (place, value)| form.with(format!("{name}[{place}]"), value))
    }

    /// The bytes of `application/x-www-form-urlencoded`.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish()
    }

    /// Reads what [`Form::encode`] or a query string holds. Bad UTF-8 becomes U+FFFD.
    pub fn parse(bytes: &[u8]) -> Self {
        Self { pairs: form_urlencoded::parse(bytes).into_owned().collect() }
    }

    /// The pairs, in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The last value of that name, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The entries of `name[key]`.
    pub fn map<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs.iter().filter_map(move |(known, value)| {
            let key = known.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((key, value.as_str())).filter(|(key, _)| !key.contains(['[', ']']))
        })
    }

    /// The values of `name[]`, `name[0]`, …
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let numbered = |key: &str| key.bytes().all(|byte| byte.is_ascii_digit());
        self.map(name).filter(move |(key, _)| numbered(key)).map(|(_, value)| value)
    }
}
