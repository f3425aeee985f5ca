//! Lists, a page at a time or whole within a bound.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Stripe;
use super::error::Outcome;
use super::types::{Object, TransferReversal};
use super::webhook::Event;

/// What is listed: filters, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    path: String,
    account: Option<String>,
    query: Vec<(String, String)>,
}

impl Listing {
    /// Every object of that type.
    pub fn of<T: Object>() -> Self {
        Self::at(T::PATH)
    }

    /// The reversals of a transfer.
    pub fn reversals(transfer: &str) -> Self {
        Self::at(&format!("/v1/transfers/{transfer}/reversals"))
    }

    /// Events.
    pub fn events() -> Self {
        Self::at("/v1/events")
    }

    fn at(path: &str) -> Self {
        Self { path: path.to_owned(), account: None, query: Vec::new() }
    }

    /// As a connected account sees it.
    #[must_use]
    pub fn on(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// Narrowed by one of the list's own parameters: `transfer_group`, `charge`, `payment_intent`, `customer`, …
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Made at that second or later.
    #[must_use]
    pub fn since(self, seconds: i64) -> Self {
        self.with("created[gte]", &seconds.to_string())
    }

    /// Made at that second or earlier.
    #[must_use]
    pub fn until(self, seconds: i64) -> Self {
        self.with("created[lte]", &seconds.to_string())
    }
}

/// Things with an id, newest first.
pub trait Listed {
    /// The id that the next page starts after.
    fn cursor(&self) -> &str;
}

impl<T: Object> Listed for T {
    fn cursor(&self) -> &str {
        self.id()
    }
}

impl Listed for Event {
    fn cursor(&self) -> &str {
        &self.id
    }
}

/// One page.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// Newest first.
    pub data: Vec<T>,
    /// Is there more?
    pub has_more: bool,
}

/// A list that was read to its end, or to a bound.
#[derive(Clone, Debug)]
pub struct Complete<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Was the end reached?
    pub complete: bool,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub enum Found<T> {
    /// It is there.
    Here(T),
    /// The whole list was read, and it is not there.
    Absent,
    /// The bound was reached before the end: nothing may be concluded.
    Unfinished,
}

/// What Stripe gives at most at once.
const PAGE: usize = 100;

impl Stripe {
    /// The page after that id, or the first.
    ///
    /// # Errors
    /// See [`super::Failure`]. An item that cannot be read fails the page: a list with a gap would be believed.
    pub async fn page<T: Listed + DeserializeOwned>(
        &self,
        listing: &Listing,
        after: Option<&str>,
    ) -> Outcome<Page<T>> {
        let mut query = listing.query.clone();
        query.push(("limit".to_owned(), PAGE.to_string()));
        query.extend(after.map(|id| ("starting_after".to_owned(), id.to_owned())));
        self.get(&listing.path, &query, listing.account.as_deref()).await
    }

    /// Every item, at most `bound` of them.
    ///
    /// # Errors
    /// See [`super::Failure`].
    pub async fn list<T: Listed + DeserializeOwned>(
        &self,
        listing: &Listing,
        bound: usize,
    ) -> Outcome<Complete<T>> {
        let mut items: Vec<T> = Vec::new();
        loop {
            let page = self.page(listing, items.last().map(Listed::cursor)).await?;
            let stuck = page.data.is_empty();
            items.extend(page.data);
            if !page.has_more && items.len() <= bound {
                return Ok(Complete { items, complete: true });
            }
            // A page that says "more" and holds nothing would go on for ever.
            if stuck || items.len() >= bound {
                items.truncate(bound);
                return Ok(Complete { items, complete: false });
            }
        }
    }

    /// Looks for the first item that fits, in at most `bound` of them.
    ///
    /// # Errors
    /// See [`super::Failure`].
    pub async fn find<T: Listed + DeserializeOwned>(
        &self,
        listing: &Listing,
        bound: usize,
        fits: impl Fn(&T) -> bool,
    ) -> Outcome<Found<T>> {
        let mut after: Option<String> = None;
        let mut seen = 0_usize;
        loop {
            let page = self.page::<T>(listing, after.as_deref()).await?;
            seen = seen.saturating_add(page.data.len());
            after = page.data.last().map(|item| item.cursor().to_owned());
            if let Some(item) = page.data.into_iter().find(|item| fits(item)) {
                return Ok(Found::Here(item));
            }
            if !page.has_more {
                return Ok(Found::Absent);
            }
            if after.is_none() || seen >= bound {
                return Ok(Found::Unfinished);
            }
        }
    }

    /// Looks for the object that carries our word.
    ///
    /// # Errors
    /// See [`super::Failure`].
    pub async fn find_by_metadata<T: Object + DeserializeOwned>(
        &self,
        listing: &Listing,
        bound: usize,
        name: &str,
        value: &str,
    ) -> Outcome<Found<T>> {
        let carries =
            |item: &T| item.metadata().and_then(|metadata| metadata.get(name)).is_some_and(|v| v == value);
        self.find(listing, bound, carries).await
    }

    /// A reversal of a transfer.
    ///
    /// # Errors
    /// See [`super::Failure`].
    pub async fn reversal(&self, transfer: &str, id: &str, bound: usize) -> Outcome<Found<TransferReversal>> {
        self.find(&Listing::reversals(transfer), bound, |reversal: &TransferReversal| reversal.id == id).await
    }
}
