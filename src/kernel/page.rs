//! Lists: `?limit=…&cursor=…` → `{ "data": […], "next_cursor": … }`.

use serde::{Deserialize, Deserializer, Serialize, de};

/// How many items a page holds: 1–100, 20 unless told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limit(u16);

impl Limit {
    /// A limit inside the bounds.
    pub fn new(limit: u16) -> Option<Self> {
        (1..=100).contains(&limit).then_some(Self(limit))
    }

    /// Items on the page.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// Rows to ask the database for: one more than the page, which tells whether another page follows.
    pub fn fetch(self) -> i64 {
        i64::from(self.0).saturating_add(1)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = u16::deserialize(deserializer)?;
        Self::new(limit).ok_or_else(|| de::Error::custom("limit must be between 1 and 100"))
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items.
    pub data: Vec<T>,
    /// Give this as `cursor` to get the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page with everything there is.
    pub fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }

    /// Cuts what was fetched with [`Limit::fetch`] to a page; `cursor` makes the next cursor from the last item kept.
    ///
    /// # Errors
    /// As `cursor`.
    pub fn cut<E>(
        mut rows: Vec<T>,
        limit: Limit,
        cursor: impl FnOnce(&T) -> Result<String, E>,
    ) -> Result<Self, E> {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next_cursor = rows.last().filter(|_| more).map(cursor).transpose()?;
        Ok(Self { data: rows, next_cursor })
    }

    /// The same page with other items, where making one may fail.
    ///
    /// # Errors
    /// As the first that fails.
    pub fn try_map<U, E>(self, f: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let data = self.data.into_iter().map(f).collect::<Result<_, E>>()?;
        Ok(Page { data, next_cursor: self.next_cursor })
    }

    /// The same page with other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}
