//! Payments: money through the payment provider, from a client's method to a developer's bank.
//!
//! Owns the tables of migration `payments`. Contracts and milestones are known as ids only: they belong to a higher
//! domain, which decides, calls the functions below in its own transaction, and hears by a [`Hook`] what came of it.
//!
//! Invariants:
//! - A milestone has at most one live payment (unique index). Money is held from its success on, never before.
//! - What the provider is asked is a row, written with the ledger's posting in the transaction of the decision, and sent
//!   by the worker with no transaction open: the same bytes under the same key, until the outcome is known.
//! - A key that was refused is never used again. A new request is made only after a refusal or a confirmed absence.
//! - What the provider says is kept once, fetched anew, and applied by what happened to what: told twice, late or in
//!   another order, it has one effect.
//! - While a payer's bank takes a payment back, nothing of its milestone moves.
//! - A large act of staff on money is carried out by two people, neither of whom gets it.
//! - The platform pays out what is its own, never what it holds for others.
//! - Links for payees and secrets for payers are passed on, never stored or logged. Cards are never seen.
//!
//! Lends: [`fund_in`], [`release_in`], [`refund_in`], [`refund_released_in`], [`verified_method`], [`payee_state`],
//! [`can_move`], [`unsent_fee`], [`hold_transfers_in`], [`resume_transfers_in`], [`needs_second_person`], [`propose_act_in`],
//! [`pending_act`], [`Hook`], [`INVARIANTS`] for the ledger's check.

mod http;
mod jobs;
mod model;
mod service;
mod store;

use assay_kernel::process::Machine;

pub use http::routes;
pub use jobs::{jobs, schedule};
pub use model::approval::MoneyAct;
pub use model::{Hook, MethodKind, Moved, Movement, PayeeState};
pub use service::approvals::{Proposed, needs_second_person, pending_act, propose_act_in};
pub use service::door::{
    Funding, Refund, Release, ReversedRefund, fund_in, payee_state, refund_in, refund_released_in,
    release_in, verified_method,
};
pub use service::holds::{can_move, hold_transfers_in, resume_transfers_in, unsent_fee};
pub use service::{Payments, WebhookSecrets};
pub use store::invariants::INVARIANTS;
pub use store::personal_data::PERSONAL_DATA;

/// The process tables of this domain.
pub const MACHINES: &[&Machine] = &[
    &model::process::PAYMENT,
    &model::process::PAYEE,
    &model::process::TRANSFER,
    &model::process::REFUND,
    &model::approval::APPROVAL,
];
