//! The ledger: where money is, and every step by which it came there.
//!
//! Owns the tables `ledger_*`. Double entry in signed minor units: debits positive, credits negative.
//!
//! Invariants, held by the database for everybody, the tables' owner included:
//! - A transaction is one row of the journal: whole, balanced, in one currency, and never changed.
//! - One business fact is one key. The same fact again is the first transaction; with another content it is refused.
//! - A guarded account never goes below zero.
//! - A transaction is taken back once at most, by its exact opposite.
//!
//! Lends: [`Event`] and [`post_in`] (or [`post`], one round trip), [`correct_in`], [`balance`], [`own_money`], [`fee_of_part`],
//! [`Invariant`] for the higher domains' own.

mod http;
mod jobs;
mod model;
mod service;
mod store;

pub use http::routes;
pub use jobs::{jobs, schedule};
pub use model::event::{Event, Held, RefundOf};
pub use model::fee::of_part as fee_of_part;
pub use model::posting::{AccountRef, Posting};
pub use model::{AccountKind, Side};
pub use service::export::{Format, export, statement, statement_of, write_statement};
pub use service::{
    Finding, Posted, balance, check, check_and_tell, check_in, correct_in, own_money, post, post_in, snapshot,
};
pub use store::invariants::{INVARIANTS, Invariant, Invariants};
pub use store::reading::{Account, Entry, Scope, Transaction};
