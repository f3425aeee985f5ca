//! Stripe Connect: separate charges and transfers, on a thin client of our own (docs/decisions/0017).
//!
//! - A [`Post`] is an exact path and body that can be stored before it is sent; [`Stripe::send`] demands an
//!   [`IdempotencyKey`] with it. Nothing is sent twice in here: the caller's job is the only retrier.
//! - Every answer is sorted: done, definitely refused, or unknown ([`Failure`]); an unknown outcome is resolved by the
//!   same key and body, or by looking ([`Stripe::find`]).
//! - Answers are read leniently: unknown members, values of enums and kinds of events refuse nothing.
//! - [`webhook`] checks signatures over raw bodies. [`sandbox`] is a server that answers as Stripe does.

mod bucket;
mod client;
mod error;
mod form;
mod lists;
mod read;
mod requests;
pub mod sandbox;
mod states;
#[cfg(test)]
mod tests;
mod types;
pub mod webhook;

pub use client::{API_VERSION, Config, IdempotencyKey, Stripe};
pub use error::{Failure, Outcome, Refusal, RefusalKind, Unknown, Why};
pub use form::Form;
pub use lists::{Complete, Found, Listing, Page};
pub use requests::{
    Evidence, NewAccount, NewPaymentIntent, NewSetupIntent, NewTransfer, Post, RefundOf,
    cancel_payment_intent, confirm_payment_intent, create_account, create_account_link, create_customer,
    create_payment_intent, create_payout, create_refund, create_setup_intent, create_transfer,
    reverse_transfer, update_dispute,
};
pub use states::{
    ChargeStatus, DisputeStatus, PaymentIntentStatus, PayoutStatus, RefundStatus, SetupIntentStatus,
};
pub use types::{
    Account, AccountLink, Balance, BalanceAmount, BalanceTransaction, Charge, Customer, Dispute,
    EarlyFraudWarning, EvidenceDetails, FeeDetail, LastError, Object, PaymentIntent, Payout, Refund,
    Requirements, SetupIntent, Transfer, TransferReversal, money,
};
