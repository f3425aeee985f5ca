//! SQL of identity: one statement a function.

pub mod accounts;
pub mod auth;
pub mod consents;
pub mod data_requests;
pub mod invitations;
pub mod keys;
pub mod members;
pub mod organisations;
pub mod personal_data;
pub mod presence;
pub mod second_factors;
pub mod sessions;
pub mod staff;
pub mod tokens;

use assay_kernel::AccountStatus;
use assay_platform::db::{DbError, DbResult};
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;

diesel::define_sql_function! {
    /// PostgreSQL's `lower`.
    fn lower(text: Text) -> Text;
}

/// Reads a stored enum; a CHECK holds the column to its spellings.
pub fn stored<T: std::str::FromStr<Err = assay_kernel::Error>>(text: &str) -> DbResult<T> {
    text.parse()
        .map_err(|error: assay_kernel::Error| DbError::from(DieselError::DeserializationError(error.into())))
}

/// Reads stored enums.
pub fn stored_all<T: std::str::FromStr<Err = assay_kernel::Error>>(texts: &[String]) -> DbResult<Vec<T>> {
    texts.iter().map(|text| stored(text)).collect()
}

const ACTIVE: &str = AccountStatus::Active.as_str();
