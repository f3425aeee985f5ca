//! Contracts: what was agreed, its milestones, who decides on their money, and when.
//!
//! Owns `contracts`, `contract_editions`, `change_orders`, `milestones`, `milestone_decisions`, `deliveries`,
//! `contract_messages`, `disputes` and `dispute_offers`.
//!
//! Invariants:
//! - What is signed is a text whose hash the signature names; each edition of it is kept and never changes.
//! - A project is under one contract at a time (unique index).
//! - One decision closes a milestone (unique index), made in one function with the milestone locked, in one transaction
//!   with the postings, the commands to the payment provider and the events.
//! - What is released, held back, charged and returned is computed from the whole: any split gives the same.
//! - Silence has an end: each state that waits for somebody has a clock.
//! - The terms of a paid milestone do not change; a change that adds milestones takes effect when they are paid.
//! - While a dispute over a milestone is open its money stands still; what divides it sums to what was frozen.
//! - Who mediates, who arbitrates and who hears an appeal are three people without a part in the case.
//! - Locks are taken in one order: the contract, then its milestones, then the dispute.
//!
//! Lends: [`on_moved`], by which the payments tell what the provider did, [`ties`], by which
//! assessments learn who is under contract with whom, and [`INVARIANTS`] for the ledger's check.

mod http;
mod jobs;
mod model;
mod service;
mod store;

use assay_kernel::process::Machine;

pub use http::routes;
pub use jobs::jobs;
pub use service::funding::on_moved;
pub use service::invariants::INVARIANTS;
pub use service::ties::ties;
pub use store::personal_data::PERSONAL_DATA;

/// The process tables of this domain.
pub const MACHINES: &[&Machine] =
    &[&model::CONTRACT, &model::CHANGE_ORDER, &model::MILESTONE, &model::DISPUTE];
