//! Portfolio: evidence of what developers have done.
//!
//! Owns `portfolios`, `portfolio_imports`, `portfolio_items`, `portfolio_contributions`, `portfolio_etags`,
//! `portfolio_challenges` and `portfolio_skills`.
//!
//! Invariants:
//! - One import a person runs at a time. Its progress is committed piece by piece, each piece by one worker only, and no
//!   network call is made inside a transaction; a worker that dies loses the piece in hand and nothing else.
//! - An object of GitHub is one row, under GitHub's number for it, however often it is imported. What has gone or turned
//!   private is marked withdrawn, not deleted. Private repositories are never read.
//! - What the person decided (visibility, note, skills added or removed) outlives every import.
//! - Signals follow from stored facts by a published formula; signs of gaming are for reviewers and decide nothing.
//! - An item is `platform_verified` when GitHub names the person as its owner or author, or after a challenge was met.
//!
//! Lends: [`Portfolio`] (state of the handlers and jobs), [`item_count`], [`flags`], [`PERSONAL_DATA`].

mod http;
mod jobs;
mod model;
mod policy;
mod service;
mod store;

use assay_kernel::Result;
use assay_kernel::ids::AccountId;
use assay_kernel::process::Machine;
use assay_platform::db::{Conn, DbResult};

pub use http::routes;
pub use jobs::jobs;
pub use model::gaming::{Flag, FlagCode};
pub use service::Portfolio;
pub use store::personal_data::PERSONAL_DATA;

/// The state machines of portfolios.
pub const MACHINES: &[&Machine] = &[&model::process::IMPORT];

/// How many items of evidence the person has that are not withdrawn.
///
/// # Errors
/// When the database fails.
pub async fn item_count(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    store::items::count(conn, account).await
}

/// Signs of gaming that the last import found, for reviewers; none before the first import.
///
/// # Errors
/// When the database fails.
pub async fn flags(conn: &mut Conn, account: AccountId) -> Result<Vec<Flag>> {
    store::portfolios::flags(conn, account).await
}
