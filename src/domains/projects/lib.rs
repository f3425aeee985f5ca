//! Projects: drafts, curation, the public listing, bids, offers and invitations.
//!
//! Owns the tables of migration `projects`. Invariants: a project on the listing has passed its guards; a project has
//! at most one bid with an open offer and at most one accepted bid (unique indexes); a developer has at most the
//! policy's number of live bids and a project at most twelve before waiting begins (counters guarded in the statement
//! that places a bid); bids are seen by their developer and the client's people only. Every act locks the project
//! before what hangs on it.
//!
//! Lends [`Projects`], its use cases, to the application; to contracts [`enter_contract_in`], [`leave_contract_in`] and
//! [`check_spending`].

mod http;
mod jobs;
mod model;
mod service;
mod store;

use assay_kernel::process::Machine;

pub use http::{asked_most, routes};
pub use jobs::jobs;
pub use model::{AcceptanceKind, Confidentiality, Milestone};
pub use service::Projects;
pub use service::contracts::{Award, ContractEnd, check_spending, enter_contract_in, leave_contract_in};
pub use service::import::LineOutcome;
pub use store::personal_data::PERSONAL_DATA;

/// The process tables of this domain.
pub const MACHINES: &[&Machine] = &[&model::PROJECT, &model::BID, &model::INVITATION];

/// Stores the shipped currency rates where they are missing or corrected.
///
/// # Errors
/// The database's, or a fault in the shipped file.
pub async fn seed(ctx: &assay_platform::Ctx) -> assay_kernel::Result<()> {
    service::rates::seed(ctx).await
}
