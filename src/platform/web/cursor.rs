//! Keyset cursors: opaque, authenticated, bound to the list and its filter.

use assay_kernel::{Code, Error, Limit, Page, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crypto::{Keyring, base64url, from_base64url, sha256};

const PURPOSE: &str = "cursor";
const TAG: usize = 16;

/// Makes and reads the cursors of one list with one filter.
#[derive(Debug)]
pub struct Cursor<'a> {
    keys: &'a Keyring,
    scope: [u8; 32],
}

impl<'a> Cursor<'a> {
    /// For the list `name` under `filter` (whatever changes which rows are listed, or their order).
    pub fn new(keys: &'a Keyring, name: &str, filter: &impl Serialize) -> Self {
        let filter = serde_json::to_string(filter).unwrap_or_default();
        Self { keys, scope: sha256(format!("{name}\n{filter}").as_bytes()) }
    }

    /// The cursor for a position.
    pub fn encode(&self, position: &impl Serialize) -> Result<String> {
        let position = serde_json::to_vec(position).map_err(Error::internal)?;
        let tag = self.keys.sign(PURPOSE, &[&self.scope[..], &position].concat())?;
        Ok(base64url(&[&tag[..TAG], &position].concat()))
    }

    /// A page of rows that were fetched with [`Limit::fetch`]; the cursor of the next one is the last row's position.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn page<T, P: Serialize>(
        &self,
        rows: Vec<T>,
        limit: Limit,
        position: impl FnOnce(&T) -> P,
    ) -> Result<Page<T>> {
        Page::cut(rows, limit, |last| self.encode(&position(last)))
    }

    /// The position in a cursor.
    ///
    /// # Errors
    /// `invalid_cursor` for anything that this list with this filter did not make.
    pub fn decode<T: DeserializeOwned>(&self, cursor: &str) -> Result<T> {
        let refused = || Error::new(Code::InvalidCursor, Code::InvalidCursor.meaning());
        let bytes = from_base64url(cursor).filter(|bytes| bytes.len() > TAG).ok_or_else(refused)?;
        let (tag, position) = bytes.split_at_checked(TAG).ok_or_else(refused)?;
        if !self.keys.verify(PURPOSE, &[&self.scope[..], position].concat(), tag) {
            return Err(refused());
        }
        serde_json::from_slice(position).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_kernel::Entropy;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_belongs_to_its_list_and_filter() {
        let keys = Keyring::parse(&Keyring::generate(&Entropy::seeded(1), "k")).unwrap();
        let cursor = Cursor::new(&keys, "projects", &("rust", 5)).encode(&(17, "x")).unwrap();
        assert_eq!(
            Cursor::new(&keys, "projects", &("rust", 5)).decode::<(i32, String)>(&cursor).unwrap(),
            (17, "x".into())
        );
        assert!(Cursor::new(&keys, "projects", &("rust", 6)).decode::<(i32, String)>(&cursor).is_err());
        assert!(Cursor::new(&keys, "bids", &("rust", 5)).decode::<(i32, String)>(&cursor).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_a_cursor_by_accident(text in ".{0,80}") {
            let keys = Keyring::parse(&Keyring::generate(&Entropy::seeded(1), "k")).unwrap();
            let read = Cursor::new(&keys, "projects", &()).decode::<serde_json::Value>(&text);
            prop_assert!(read.is_err());
        }
    }
}
