//! Everything that this domain says to the database.

pub mod accounts;
pub mod bids;
pub mod curation;
pub mod invitations;
pub mod listings;
pub mod personal_data;
pub mod projects;
pub mod rates;

use chrono::{DateTime, NaiveDate, Utc};

/// A time after every row, where a keyset walk begins.
pub fn end_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Dates before and after every start that a project can have.
pub fn all_dates() -> (NaiveDate, NaiveDate) {
    (
        NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default(),
        NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default(),
    )
}
