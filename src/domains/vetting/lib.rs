//! Vetting: who may bid.
//!
//! Owns `approvals`. An approval is granted and revoked by an admin, each time with a reason.
//!
//! Invariants:
//! - A person has at most one active approval.
//! - Approved means active and before `expires_at` by the service's clock; the state alone does not say it, since the
//!   timer that expires an approval may be late.
//! - Nobody grants or revokes their own approval.
//! - A revocation is adverse: its reason is readable by the person, and it is audited like the grant.
//!
//! Lends: [`is_approved`] and [`approval_of`]. Projects may read `approvals` in joins; the index `approvals_one_active`
//! answers `account_id = … AND state = 'active' AND expires_at > …` by itself.

mod http;
mod jobs;
mod model;
mod policy;
mod service;
mod store;

use assay_kernel::process::Machine;

pub use http::routes;
pub use jobs::jobs;
pub use model::{Approval, ApprovalState};
pub use service::{approval_of, is_approved};
pub use store::PERSONAL_DATA;

/// The state machines of vetting.
pub const MACHINES: &[&Machine] = &[&model::APPROVAL];
