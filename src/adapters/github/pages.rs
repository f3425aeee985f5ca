//! Lists that come in pages (RFC 8288 `Link`), with bounds on how far we follow.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use url::Url;

use super::api::Api;
use super::client::{Fetched, Reply, is_etag, parse};
use super::error::GithubError;
use super::limits::Resource;

/// How far a list is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Pages asked for.
    pub pages: usize,
    /// Items kept.
    pub items: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { pages: 10, items: 1_000 }
    }
}

/// The items of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// Is that all of them, or did a bound cut the list?
    pub complete: bool,
}

/// A list read page by page.
#[derive(Debug)]
pub struct Pages<T> {
    api: Api,
    what: &'static str,
    resource: Resource,
    bounds: Bounds,
    next: Option<Url>,
    asked: usize,
    kept: usize,
    etags: Vec<Option<String>>,
    last_len: usize,
    page: PhantomData<fn() -> T>,
}

/// What GitHub gives on a page at most.
pub(super) const PER_PAGE: usize = 100;

impl<T: DeserializeOwned> Pages<T> {
    pub(super) fn new(api: Api, what: &'static str, resource: Resource, first: Url, bounds: Bounds) -> Self {
        let next = Some(first);
        Self {
            api,
            what,
            resource,
            bounds,
            next,
            asked: 0,
            kept: 0,
            etags: Vec::new(),
            last_len: 0,
            page: PhantomData,
        }
    }

    /// Did a bound cut the list?
    pub fn is_cut(&self) -> bool {
        self.next.is_some()
    }

    /// The next page; `None` after the last one or at a bound.
    ///
    /// # Errors
    /// As every read; also when a link leads out of the API or back.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, GithubError> {
        let Some(mut items) = self.next_page().await? else { return Ok(None) };
        self.last_len = items.len();
        let room = self.bounds.items.saturating_sub(self.kept);
        if items.len() > room {
            items.truncate(room);
            self.asked = self.bounds.pages;
            // Something is left out even if this was the last page.
            self.next.get_or_insert_with(|| self.api.base().clone());
        }
        self.kept = self.kept.saturating_add(items.len());
        Ok(Some(items))
    }

    /// All pages, within the bounds.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn all(mut self) -> Result<Listing<T>, GithubError> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(Listing { items, complete: !self.is_cut() })
    }

    /// All pages with a validator for the whole list.
    pub(super) async fn all_fetched(mut self) -> Result<Fetched<Listing<T>>, GithubError> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        // A full last page could be followed by a new one that no validator of ours would see.
        let sound = !self.is_cut() && self.last_len < PER_PAGE;
        let etags: Option<Vec<String>> = if sound { self.etags.drain(..).collect() } else { None };
        let value = Listing { items, complete: !self.is_cut() };
        Ok(Fetched::New { value, etag: etags.map(|etags| etags.join(" ")) })
    }

    async fn next_page(&mut self) -> Result<Option<Vec<T>>, GithubError> {
        if self.asked >= self.bounds.pages || self.kept >= self.bounds.items {
            return Ok(None);
        }
        let Some(url) = self.next.take() else { return Ok(None) };
        self.asked += 1;
        match self.api.get(url.clone(), self.resource, None, self.what).await? {
            Reply::NotModified | Reply::Empty => {
                self.etags.push(None);
                Ok(Some(Vec::new()))
            }
            Reply::Body { body, etag, next } => {
                if next.as_ref() == Some(&url) {
                    return Err(GithubError::malformed(self.what, "a Link to itself"));
                }
                self.etags.push(etag);
                self.next = next;
                parse(&body, self.what).map(Some)
            }
        }
    }
}

/// The validators of a list's pages, as [`Pages::all_fetched`] joined them.
pub(super) fn split_etags(joined: &str) -> Option<Vec<&str>> {
    let etags: Vec<&str> = joined.split(' ').collect();
    (etags.len() <= 100 && etags.iter().all(|etag| is_etag(etag))).then_some(etags)
}

/// The target of `rel="next"` in a `Link` header.
pub(super) fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let (target, after) = rest[start + 1..].split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let is_next = after[..end].split(';').any(|parameter| {
            let parameter = parameter.trim().trim_end_matches(',').trim_end();
            matches!(parameter.split_once('='), Some((name, value))
                if name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').split(' ').any(|rel| rel == "next"))
        });
        if is_next {
            return Some(target);
        }
        rest = &after[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_link_is_found() {
        let header = r#"<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=3>; rel="next", <https://api.github.com/x?page=9>; rel="last""#;
        assert_eq!(next_link(header), Some("https://api.github.com/x?page=3"));
        assert_eq!(next_link(r#"<https://a/?a,b;c>; rel=next"#), Some("https://a/?a,b;c"));
        assert_eq!(next_link(r#"<https://a/>; rel="last""#), None);
        assert_eq!(next_link("<unfinished; rel=next"), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(header in "[<>;,=\" a-z]{0,60}") {
            let _ = next_link(&header);
        }
    }
}
