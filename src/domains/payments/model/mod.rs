//! Payments' words: states, what moved, how long things take. Pure.

pub mod approval;
pub mod command;
pub mod process;

use std::pin::Pin;

use assay_kernel::ids::AccountId;
use assay_kernel::process::{Machine, Who};
use assay_kernel::{Currency, Error, Money, Result, string_enum};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use chrono::{DateTime, Utc};
use uuid::Uuid;

string_enum! {
    /// What a client pays with.
    pub enum MethodKind {
        /// A card.
        Card = "card",
        /// A debit of a bank account.
        BankDebit = "bank_debit",
    }
}

impl MethodKind {
    /// The provider's word for it.
    pub fn provider_type(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankDebit => "us_bank_account",
        }
    }
}

string_enum! {
    /// Whether a method can be paid with.
    pub enum MethodState {
        /// The provider asks the payer.
        SettingUp = "setting_up",
        /// It can be paid with.
        Verified = "verified",
        /// The payer's bank said no.
        Failed = "failed",
        /// The organisation took it away.
        Removed = "removed",
    }
}

string_enum! {
    /// Where a payee stands.
    pub enum PayeeState {
        /// The provider's questions are not answered.
        Incomplete = "incomplete",
        /// The provider checks the answers.
        PendingReview = "pending_review",
        /// Money can be sent.
        Active = "active",
        /// The provider asks for something again.
        Restricted = "restricted",
        /// No money is sent there.
        Blocked = "blocked",
    }
}

string_enum! {
    /// What stands in a transfer's way.
    pub enum Hold {
        /// The payee is not known well enough yet.
        Kyc = "kyc",
        /// Tax papers are missing.
        Tax = "tax",
        /// Somebody looks at it.
        Risk = "risk",
        /// The payer's bank takes the payment back.
        Chargeback = "chargeback",
        /// The sides of the contract disagree over it.
        Dispute = "dispute",
    }
}

/// What the provider did with money of a milestone: told to the higher domain in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The milestone.
    pub milestone: Uuid,
    /// Its contract.
    pub contract: Uuid,
    /// What.
    pub what: Movement,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// The client's payment is here and held.
    Funded,
    /// It will not come.
    FundingFailed {
        /// The provider's word for why.
        reason: String,
    },
    /// A release has reached the developer's account.
    Transferred,
    /// The provider refused a transfer; it is tried again.
    TransferRefused,
    /// A refund was made.
    Refunded,
    /// The provider refused a refund; the money is where it was.
    RefundRefused,
    /// The payer's bank has taken the payment back: what was held is frozen.
    PaymentDisputed,
    /// The payment came back.
    PaymentDisputeWon {
        /// When it was taken.
        since: DateTime<Utc>,
    },
    /// The payment is gone, or what the bank took of it.
    PaymentDisputeLost {
        /// When it was taken.
        since: DateTime<Utc>,
        /// How much of what was released, minor units: from transfers that were not sent, or borne by the platform.
        taken: i64,
    },
    /// The payer's bank suspects fraud.
    FraudWarning,
    /// A second person has confirmed a large act of the higher domain's, which it now carries out.
    Confirmed {
        /// What the act is on.
        subject: Uuid,
        /// The act as it was proposed.
        payload: serde_json::Value,
        /// Who proposed it.
        proposed_by: AccountId,
        /// Who confirmed it.
        confirmed_by: AccountId,
    },
}

/// Whom to tell; runs in the transaction of the movement.
pub type Hook =
    for<'a> fn(&'a Ctx, &'a mut Conn, &'a Moved) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Why a guard of the payee's table blocks, given the provider's reason for sending it no money, and whether transfers
/// wait for tax papers.
pub fn payee_blocked(guard: &str, disabled_reason: Option<&str>, tax_hold: bool) -> Option<String> {
    let why = match guard {
        "staffs_block" if is_rejected(disabled_reason) => {
            "The payment provider itself has rejected the account."
        }
        "no_tax_hold" if tax_hold => "Transfers wait for tax papers already.",
        "tax_hold" if !tax_hold => "No transfers wait for tax papers.",
        _ => return None,
    };
    Some(why.to_owned())
}

/// Why a guard of the transfer's table blocks, given what stands in its way.
pub fn transfer_blocked(guard: &str, hold: Option<&str>) -> Option<String> {
    let disputed = guard == "not_in_dispute" && hold == Some(Hold::Dispute.as_str());
    disputed.then(|| "The sides of the contract disagree over it: it waits for them.".to_owned())
}

/// Does the provider refuse the account for good?
pub fn is_rejected(disabled_reason: Option<&str>) -> bool {
    disabled_reason.is_some_and(|reason| reason.starts_with("rejected"))
}

/// Takes a transition of the worker's.
pub fn step(machine: &Machine, state: &mut String, event: &str) -> Result<()> {
    *state = machine.transition(state, event, &[Who::System])?.to.to_owned();
    Ok(())
}

/// Would the worker's transition be possible?
pub fn can(machine: &Machine, state: &str, event: &str) -> bool {
    machine.transition(state, event, &[Who::System]).is_ok()
}

/// A stored amount.
pub fn money(amount: i64, currency: &str) -> Result<Money> {
    let currency =
        Currency::parse(currency).ok_or_else(|| Error::internal(format!("payments hold {currency}")))?;
    Ok(Money::new(amount, currency))
}
