//! Vetting: who may bid. Applications of developers, their screening, decisions with reasons, appeals, approvals.
//!
//! Owns `applications`, `decisions`, `appeals` and `approvals`.
//!
//! Invariants:
//! - A person has at most one application under way and at most one active approval.
//! - An approval is the outcome of one application. Nothing but an assessment, or an admin's override with a reason, leads
//!   to it.
//! - Approved means active and before `expires_at` by the service's clock; the state alone does not say it, since the
//!   timer that expires an approval may be late.
//! - Nobody decides about themselves. An appeal is answered by somebody who did not make the decision: the process table
//!   asks for it, and `appeals_another_decides` holds it in the database.
//! - An adverse decision has a reason code, a text and the evidence it cites, all readable by the person, and is open to
//!   one appeal for a time.
//! - Decisions are kept as they were made; an appeal marks one as overturned and undoes what it did.
//!
//! Lends: [`is_approved`] and [`approval_of`]; to assessments, which decide applications: [`Vetting::assessed_in`],
//! [`Vetting::approve_by_assessment_in`], [`Vetting::fall_short_in`], [`Vetting::raise_by_assessment_in`],
//! [`Vetting::reassess_in`], [`Vetting::reject_integrity_by_assessment_in`]. Projects may read `approvals` in joins; the index `approvals_one_active`
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
pub use model::{AdverseDecision, Approval, ApprovalState, Evidence, ReasonCode};
pub use service::Vetting;
pub use service::approvals::{approval_of, is_approved};
pub use store::personal_data::PERSONAL_DATA;

/// The state machines of vetting.
pub const MACHINES: &[&Machine] = &[&model::APPLICATION, &model::APPROVAL, &model::APPEAL];
