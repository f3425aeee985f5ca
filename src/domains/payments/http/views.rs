//! What callers see.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{
    AccountId, DifferenceId, OrganisationId, PaymentDisputeId, PaymentId, PaymentMethodId, PayoutId,
    ProviderCommandId, RefundId, TransferId,
};
use assay_kernel::process::Who;
use assay_kernel::{Money, Permission, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::command::{CommandKind, CommandState};
use crate::model::process::{PAYEE, REFUND, TRANSFER};
use crate::model::{Hold, MethodKind, MethodState, PayeeState, money, payee_blocked, transfer_blocked};
use crate::store::commands::CommandRow;
use crate::store::disputes::DisputeRow;
use crate::store::methods::MethodRow;
use crate::store::payees::PayeeRow;
use crate::store::payments::PaymentRow;
use crate::store::payouts::PayoutRow;
use crate::store::reconciliation::DifferenceRow;
use crate::store::refunds::RefundRow;
use crate::store::transfers::TransferRow;

const FINANCE: &[Who] = &[Who::Staff(Permission::Finance)];

/// Who is paid, and how they stand at the payment provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayeeView {
    /// The person.
    pub account_id: AccountId,
    /// Where they live, ISO 3166-1.
    #[schema(example = "US")]
    pub country: String,
    /// How they stand.
    pub state: PayeeState,
    /// What the provider still wants to know, in its words.
    #[schema(example = json!(["individual.id_number"]))]
    pub requirements: Vec<String>,
    /// Why no money can be sent, in the provider's words.
    pub disabled_reason: Option<String>,
    /// Why transfers wait for tax papers, in the finance staff's words.
    pub tax_hold: Option<String>,
    /// Acts that are open to finance staff.
    pub allowed_actions: Vec<String>,
    /// Acts of theirs that only a condition blocks.
    pub why_not: Vec<WhyNot>,
    /// The version that is shown.
    pub version: i64,
}

impl PayeeView {
    /// As the owner sees it.
    pub fn new(row: PayeeRow, who: &[Who]) -> Result<Self> {
        let blocked =
            |guard: &str| payee_blocked(guard, row.disabled_reason.as_deref(), row.tax_hold.is_some());
        let actions = PAYEE.actions(&row.state, who, |_, guard| blocked(guard));
        Ok(Self {
            account_id: AccountId::from_uuid(row.account_id),
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            state: row.state.parse()?,
            country: row.country,
            requirements: row.requirements,
            disabled_reason: row.disabled_reason,
            tax_hold: row.tax_hold,
            version: row.version,
        })
    }

    /// As finance staff see it.
    pub fn for_finance(row: PayeeRow) -> Result<Self> {
        Self::new(row, FINANCE)
    }
}

/// Where a payee answers the provider's questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayeeLinkView {
    /// The page: it works once.
    #[schema(example = "https://connect.stripe.com/setup/e/acct_1/abc")]
    pub url: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// What an organisation pays with.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentMethodView {
    /// Its id.
    pub id: PaymentMethodId,
    /// Whose.
    pub organisation_id: OrganisationId,
    /// A card or a bank account.
    pub kind: MethodKind,
    /// Whether it can be paid with.
    pub state: MethodState,
    /// The version that is shown.
    pub version: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl PaymentMethodView {
    /// Of a row.
    pub fn new(row: MethodRow) -> Result<Self> {
        Ok(Self {
            id: PaymentMethodId::from_uuid(row.id),
            organisation_id: OrganisationId::from_uuid(row.organisation_id),
            kind: row.kind.parse()?,
            state: row.state.parse()?,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// A method that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedPaymentMethod {
    /// The method.
    #[serde(flatten)]
    pub method: PaymentMethodView,
    /// By which the payer's browser goes on at the provider; told this once.
    pub client_secret: Option<String>,
}

/// The secret of a payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentSecret {
    /// By which the payer's browser says yes to its bank.
    pub client_secret: String,
}

/// A client's payment for a milestone.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// Who pays.
    pub organisation_id: OrganisationId,
    /// For which milestone.
    pub milestone: Uuid,
    /// Of which contract.
    pub contract: Uuid,
    /// With what.
    pub method_id: PaymentMethodId,
    /// What is held.
    pub amount: Money,
    /// The client's fee on top.
    pub fee: Money,
    /// Where it stands: see the process table `payment`.
    #[schema(example = "succeeded")]
    pub state: String,
    /// Why it failed, in the provider's word.
    pub failure: Option<String>,
    /// The version that is shown.
    pub version: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Since when the money is held.
    pub succeeded_at: Option<DateTime<Utc>>,
}

impl PaymentView {
    /// Of a row.
    pub fn new(row: PaymentRow) -> Result<Self> {
        Ok(Self {
            id: PaymentId::from_uuid(row.id),
            organisation_id: OrganisationId::from_uuid(row.organisation_id),
            milestone: row.milestone,
            contract: row.contract,
            method_id: PaymentMethodId::from_uuid(row.method_id),
            amount: money(row.amount, &row.currency)?,
            fee: money(row.fee, &row.currency)?,
            state: row.state,
            failure: row.failure,
            version: row.version,
            created_at: row.created_at,
            succeeded_at: row.succeeded_at,
        })
    }
}

/// A release on its way to a developer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransferView {
    /// Its id.
    pub id: TransferId,
    /// To whom.
    pub developer_id: AccountId,
    /// For which milestone.
    pub milestone: Uuid,
    /// Of which contract.
    pub contract: Uuid,
    /// How much.
    pub amount: Money,
    /// What of the release repaid what the developer owed, and is not sent.
    pub repaid: Money,
    /// What of the amount was taken back.
    pub reversed: Money,
    /// What a dispute that was lost has taken of it before it was sent, less what refunds have counted of that.
    pub charged_back: Money,
    /// Where it stands: see the process table `transfer`.
    #[schema(example = "paid")]
    pub state: String,
    /// What stands in its way.
    pub hold: Option<Hold>,
    /// Why the provider refused it, in its word.
    pub failure: Option<String>,
    /// When it is sent.
    pub payable_from: DateTime<Utc>,
    /// Since when the developer's account has it.
    pub paid_at: Option<DateTime<Utc>>,
    /// Acts that are open to finance staff.
    pub allowed_actions: Vec<String>,
    /// Acts of theirs that only a condition blocks.
    pub why_not: Vec<WhyNot>,
    /// The version that is shown.
    pub version: i64,
}

impl TransferView {
    /// Of a row.
    pub fn new(row: TransferRow) -> Result<Self> {
        let blocked = |guard: &str| transfer_blocked(guard, row.hold.as_deref());
        let actions = TRANSFER.actions(&row.state, FINANCE, |_, guard| blocked(guard));
        Ok(Self {
            id: TransferId::from_uuid(row.id),
            developer_id: AccountId::from_uuid(row.developer_id),
            milestone: row.milestone,
            contract: row.contract,
            amount: money(row.amount, &row.currency)?,
            repaid: money(row.repaid, &row.currency)?,
            reversed: money(row.reversed, &row.currency)?,
            charged_back: money(row.charged_back, &row.currency)?,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            state: row.state,
            hold: row.hold.map(|hold| hold.parse()).transpose()?,
            failure: row.failure,
            payable_from: row.payable_from,
            paid_at: row.paid_at,
            version: row.version,
        })
    }
}

/// Money on its way back to a client.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundView {
    /// Its id.
    pub id: RefundId,
    /// To whom.
    pub organisation_id: OrganisationId,
    /// For which milestone.
    pub milestone: Uuid,
    /// Of which contract.
    pub contract: Uuid,
    /// How much of the milestone's money.
    pub amount: Money,
    /// How much of the fees.
    pub fee: Money,
    /// How much of both is not sent any more, since the payer's bank has given it to the client.
    pub charged_back: Money,
    /// Where it stands: see the process table `refund`.
    #[schema(example = "succeeded")]
    pub state: String,
    /// Why it was refused or came back, in the provider's word.
    pub failure: Option<String>,
    /// What the transfer from the platform's bank is called there, of one that was paid out of band.
    pub out_of_band_reference: Option<String>,
    /// Acts that are open to finance staff.
    pub allowed_actions: Vec<String>,
    /// The version that is shown.
    pub version: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl RefundView {
    /// Of a row.
    pub fn new(row: RefundRow) -> Result<Self> {
        Ok(Self {
            id: RefundId::from_uuid(row.id),
            organisation_id: OrganisationId::from_uuid(row.organisation_id),
            milestone: row.milestone,
            contract: row.contract,
            amount: money(row.amount, &row.currency)?,
            fee: money(row.fee, &row.currency)?,
            charged_back: money(row.charged_back, &row.currency)?,
            allowed_actions: REFUND.actions(&row.state, FINANCE, |_, _| None).allowed,
            state: row.state,
            failure: row.failure,
            out_of_band_reference: row.out_of_band_reference,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// A developer's money on its way to a bank.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutView {
    /// Its id.
    pub id: PayoutId,
    /// How much.
    pub amount: Money,
    /// Where it stands: `pending`, `in_transit`, `paid`, `failed` or `canceled`.
    #[schema(example = "in_transit")]
    pub state: String,
    /// Why the bank refused it, in the provider's word.
    pub failure: Option<String>,
    /// When it should arrive.
    pub arrives_at: Option<DateTime<Utc>>,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl PayoutView {
    /// Of a row.
    pub fn new(row: PayoutRow) -> Result<Self> {
        Ok(Self {
            id: PayoutId::from_uuid(row.id),
            amount: money(row.amount, &row.currency)?,
            state: row.state,
            failure: row.failure,
            arrives_at: row.arrives_at,
            created_at: row.created_at,
        })
    }
}

/// A payment that the payer's bank takes back.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentDisputeView {
    /// Its id.
    pub id: PaymentDisputeId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// Where it stands, in the provider's word.
    #[schema(example = "needs_response")]
    pub status: String,
    /// Why, in the provider's word.
    #[schema(example = "product_not_received")]
    pub reason: String,
    /// What was taken.
    pub amount: Money,
    /// What it cost beside.
    pub fee: Money,
    /// What of the held money froze.
    pub frozen: Money,
    /// What the platform bears of a dispute that it lost, less what refunds that came back have repaid.
    pub loss: Money,
    /// Until when evidence is awaited.
    pub evidence_due_at: Option<DateTime<Utc>>,
    /// When it was given.
    pub evidence_submitted_at: Option<DateTime<Utc>>,
    /// `won`, `lost` or `dropped`.
    pub outcome: Option<String>,
    /// The version that is shown.
    pub version: i64,
    /// Since when we know of it.
    pub opened_at: DateTime<Utc>,
}

impl PaymentDisputeView {
    /// Of a row.
    pub fn new(row: DisputeRow) -> Result<Self> {
        Ok(Self {
            id: PaymentDisputeId::from_uuid(row.id),
            payment_id: PaymentId::from_uuid(row.payment_id),
            amount: money(row.amount, &row.currency)?,
            fee: money(row.fee, &row.currency)?,
            frozen: money(row.frozen, &row.currency)?,
            loss: money(row.loss, &row.currency)?,
            status: row.status,
            reason: row.reason,
            evidence_due_at: row.evidence_due_at,
            evidence_submitted_at: row.evidence_submitted_at,
            outcome: row.outcome,
            version: row.version,
            opened_at: row.opened_at,
        })
    }
}

/// A request to the provider that was not done, or whose end is not known.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderCommandView {
    /// Its id.
    pub id: ProviderCommandId,
    /// What was asked for.
    pub kind: CommandKind,
    /// Where it stands.
    pub state: CommandState,
    /// How often it was sent or looked for.
    pub attempts: i32,
    /// Why it was refused, or why its end is not known.
    pub outcome: Option<String>,
    /// When it is sent or looked for next.
    pub next_at: Option<DateTime<Utc>>,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl ProviderCommandView {
    /// Of a row.
    pub fn new(row: CommandRow) -> Result<Self> {
        Ok(Self {
            id: ProviderCommandId::from_uuid(row.id),
            kind: row.kind.parse()?,
            state: row.state.parse()?,
            attempts: row.attempts,
            outcome: row.outcome,
            next_at: row.settled_at.is_none().then_some(row.next_at),
            created_at: row.created_at,
        })
    }
}

/// Where ledger and provider differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView {
    /// Its id.
    pub id: DifferenceId,
    /// `not_booked`, `other_amount`, `not_at_provider`, `balance` or `unmatched_event`.
    #[schema(example = "not_booked")]
    pub kind: String,
    /// What differs: an id of the provider's, the number of a transaction of the ledger, a currency.
    #[schema(example = "txn_1")]
    pub subject: String,
    /// What the ledger says, in minor units.
    pub expected: Option<i64>,
    /// What the provider says, in minor units.
    pub found: Option<i64>,
    /// Of which currency.
    pub currency: Option<String>,
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// When it was explained.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How.
    pub reason: Option<String>,
    /// The version that is shown.
    pub version: i64,
}

impl DifferenceView {
    /// Of a row.
    pub fn new(row: DifferenceRow) -> Result<Self> {
        Ok(Self {
            id: DifferenceId::from_uuid(row.id),
            kind: row.kind,
            subject: row.subject,
            expected: row.expected,
            found: row.found,
            currency: row.currency,
            found_at: row.found_at,
            resolved_at: row.resolved_at,
            reason: row.reason,
            version: row.version,
        })
    }
}
