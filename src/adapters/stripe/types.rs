//! What we read of Stripe's objects. Ids, amounts, currencies and states must be there; all else may be missing or of
//! a shape that this code does not know.

use std::collections::BTreeMap;

use assay_kernel::{Currency, Money};
use serde::Deserialize;

use super::read;
use super::states::{
    ChargeStatus, DisputeStatus, PaymentIntentStatus, PayoutStatus, RefundStatus, SetupIntentStatus,
};

/// An object that has a path of its own.
pub trait Object {
    /// Where these objects are.
    const PATH: &'static str;
    /// Its id.
    fn id(&self) -> &str;
    /// What we wrote to it.
    fn metadata(&self) -> Option<&BTreeMap<String, String>> {
        None
    }
}

/// Stripe's amount as money, when the currency is one that the service takes.
pub fn money(amount: i64, currency: &str) -> Option<Money> {
    let currency = Currency::parse(&currency.to_ascii_uppercase())?;
    Some(Money::new(amount, currency))
}

macro_rules! objects {
    ($($name:ident at $path:literal $(with $metadata:ident)?),+ $(,)?) => {
        $(impl Object for $name {
            const PATH: &'static str = $path;
            fn id(&self) -> &str {
                &self.id
            }
            $(fn metadata(&self) -> Option<&BTreeMap<String, String>> {
                Some(&self.$metadata)
            })?
        })+
    };
}

objects! {
    PaymentIntent at "/v1/payment_intents" with metadata,
    SetupIntent at "/v1/setup_intents" with metadata,
    Charge at "/v1/charges" with metadata,
    Refund at "/v1/refunds" with metadata,
    Account at "/v1/accounts" with metadata,
    Transfer at "/v1/transfers" with metadata,
    TransferReversal at "" with metadata,
    Payout at "/v1/payouts" with metadata,
    BalanceTransaction at "/v1/balance_transactions",
    Dispute at "/v1/disputes" with metadata,
    EarlyFraudWarning at "/v1/radar/early_fraud_warnings",
    Customer at "/v1/customers" with metadata,
}

/// Money on its way from a client.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct PaymentIntent {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    pub status: PaymentIntentStatus,
    #[serde(default, deserialize_with = "read::soft")]
    pub amount_received: i64,
    /// For the payer's browser; not to be stored or logged.
    #[serde(default, deserialize_with = "read::soft")]
    pub client_secret: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub latest_charge: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub customer: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub payment_method: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub transfer_group: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub last_payment_error: Option<LastError>,
    #[serde(default, deserialize_with = "read::soft")]
    pub created: i64,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// Why the last try of a payment failed.
#[derive(Clone, Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct LastError {
    #[serde(default, deserialize_with = "read::soft")]
    pub code: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub decline_code: Option<String>,
}

/// A method that is made ready for later payments.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct SetupIntent {
    pub id: String,
    pub status: SetupIntentStatus,
    /// For the payer's browser; not to be stored or logged.
    #[serde(default, deserialize_with = "read::soft")]
    pub client_secret: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub customer: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub payment_method: Option<String>,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// One try of a payment.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Charge {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    pub status: ChargeStatus,
    #[serde(deserialize_with = "read::amount")]
    pub amount_refunded: i64,
    #[serde(default, deserialize_with = "read::soft")]
    pub refunded: bool,
    #[serde(default, deserialize_with = "read::soft")]
    pub disputed: bool,
    #[serde(default, deserialize_with = "read::expandable")]
    pub balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub payment_intent: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub transfer_group: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub failure_code: Option<String>,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// Money on its way back to a client.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Refund {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    pub status: RefundStatus,
    #[serde(default, deserialize_with = "read::expandable")]
    pub charge: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub payment_intent: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub failure_balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub failure_reason: Option<String>,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// A connected account: somebody who is paid.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Account {
    pub id: String,
    #[serde(default, deserialize_with = "read::soft")]
    pub country: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub default_currency: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub charges_enabled: bool,
    #[serde(default, deserialize_with = "read::soft")]
    pub payouts_enabled: bool,
    #[serde(default, deserialize_with = "read::soft")]
    pub details_submitted: bool,
    /// By capability: `active`, `inactive` or `pending`.
    #[serde(default, deserialize_with = "read::metadata")]
    pub capabilities: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub requirements: Requirements,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

impl Account {
    /// May money be transferred to it?
    pub fn can_be_paid(&self) -> bool {
        self.capabilities.get("transfers").is_some_and(|state| state == "active")
    }
}

/// What Stripe still wants to know.
#[derive(Clone, Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Requirements {
    #[serde(default, deserialize_with = "read::soft")]
    pub currently_due: Vec<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub past_due: Vec<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub eventually_due: Vec<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub disabled_reason: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub current_deadline: Option<i64>,
}

/// Where a payee is asked questions. Works once, for minutes: never stored or logged.
#[derive(Clone, Deserialize)]
#[allow(missing_docs)]
pub struct AccountLink {
    pub url: String,
    pub expires_at: i64,
}

impl std::fmt::Debug for AccountLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Money from the platform to a connected account.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Transfer {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount_reversed: i64,
    #[serde(default, deserialize_with = "read::soft")]
    pub reversed: bool,
    #[serde(default, deserialize_with = "read::expandable")]
    pub destination: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub source_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub transfer_group: Option<String>,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// Money back from a connected account.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct TransferReversal {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    #[serde(default, deserialize_with = "read::expandable")]
    pub transfer: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// Money from a Stripe balance to a bank.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Payout {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    pub status: PayoutStatus,
    #[serde(default, deserialize_with = "read::soft")]
    pub arrival_date: i64,
    #[serde(default, deserialize_with = "read::soft")]
    pub automatic: bool,
    #[serde(default, deserialize_with = "read::soft")]
    pub failure_code: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub failure_balance_transaction: Option<String>,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// What an account has, by currency.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Balance {
    pub available: Vec<BalanceAmount>,
    pub pending: Vec<BalanceAmount>,
}

impl Balance {
    /// The available amount of a currency.
    pub fn available(&self, currency: &str) -> i64 {
        sum(&self.available, currency)
    }

    /// The amount of a currency that is not yet available.
    pub fn pending(&self, currency: &str) -> i64 {
        sum(&self.pending, currency)
    }
}

fn sum(amounts: &[BalanceAmount], currency: &str) -> i64 {
    let of = amounts.iter().filter(|amount| amount.currency == currency);
    of.fold(0, |sum, amount| sum.saturating_add(amount.amount))
}

/// An amount of one currency.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct BalanceAmount {
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
}

/// One movement of a balance: the final truth.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct BalanceTransaction {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::amount")]
    pub fee: i64,
    #[serde(deserialize_with = "read::amount")]
    pub net: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    /// Such as `charge`, `refund`, `transfer`, `adjustment`.
    #[serde(rename = "type")]
    pub kind: String,
    pub created: i64,
    pub available_on: i64,
    #[serde(default, deserialize_with = "read::expandable")]
    pub source: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub reporting_category: String,
    #[serde(default, deserialize_with = "read::items")]
    pub fee_details: Vec<FeeDetail>,
}

/// A part of a fee.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct FeeDetail {
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(rename = "type")]
    pub kind: String,
}

/// A payer's bank takes money back.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Dispute {
    pub id: String,
    #[serde(deserialize_with = "read::amount")]
    pub amount: i64,
    #[serde(deserialize_with = "read::currency")]
    pub currency: String,
    pub status: DisputeStatus,
    #[serde(default, deserialize_with = "read::soft")]
    pub reason: String,
    #[serde(default, deserialize_with = "read::expandable")]
    pub charge: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub payment_intent: Option<String>,
    #[serde(default, deserialize_with = "read::soft")]
    pub is_charge_refundable: bool,
    /// What it did to the balance.
    #[serde(default, deserialize_with = "read::items")]
    pub balance_transactions: Vec<BalanceTransaction>,
    #[serde(default, deserialize_with = "read::soft")]
    pub evidence_details: EvidenceDetails,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// Until when evidence may come, and what came.
#[derive(Clone, Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct EvidenceDetails {
    #[serde(default, deserialize_with = "read::soft")]
    pub due_by: Option<i64>,
    #[serde(default, deserialize_with = "read::soft")]
    pub has_evidence: bool,
    #[serde(default, deserialize_with = "read::soft")]
    pub submission_count: i64,
}

/// A payer's bank suspects fraud: a dispute is likely.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct EarlyFraudWarning {
    pub id: String,
    #[serde(default, deserialize_with = "read::soft")]
    pub actionable: bool,
    #[serde(default, deserialize_with = "read::soft")]
    pub fraud_type: String,
    #[serde(default, deserialize_with = "read::expandable")]
    pub charge: Option<String>,
    #[serde(default, deserialize_with = "read::expandable")]
    pub payment_intent: Option<String>,
}

/// A payer, as Stripe keeps one.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Customer {
    pub id: String,
    #[serde(default, deserialize_with = "read::metadata")]
    pub metadata: BTreeMap<String, String>,
}
