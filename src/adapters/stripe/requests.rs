//! What we ask Stripe to do: exact bodies that can be stored with a command before they are sent.

use std::fmt;
use std::marker::PhantomData;

use assay_kernel::Money;

use super::form::Form;
use super::types::{
    Account, AccountLink, Customer, Dispute, PaymentIntent, Payout, Refund, SetupIntent, Transfer,
    TransferReversal,
};

/// A POST that answers with a `T`: path, body, and the connected account it acts for.
pub struct Post<T> {
    path: String,
    body: String,
    account: Option<String>,
    answer: PhantomData<fn() -> T>,
}

impl<T> Post<T> {
    fn new(path: impl Into<String>, form: &Form) -> Self {
        Self::stored(path.into(), form.encode(), None)
    }

    /// One that was stored: the same bytes again.
    pub fn stored(path: String, body: String, account: Option<String>) -> Self {
        Self { path, body, account, answer: PhantomData }
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The body.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The connected account, when it does not act for the platform.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

impl<T> Clone for Post<T> {
    fn clone(&self) -> Self {
        Self::stored(self.path.clone(), self.body.clone(), self.account.clone())
    }
}

/// Without the body: evidence has people's words.
impl<T> fmt::Debug for Post<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("path", &self.path)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Our own words on an object.
pub type Metadata<'a> = &'a [(&'a str, &'a str)];

fn amount(form: Form, money: Money) -> Form {
    form.with("amount", money.amount).with("currency", money.currency.code().to_ascii_lowercase())
}

/// A payment of a client to the platform.
#[derive(Clone, Copy, Debug)]
pub struct NewPaymentIntent<'a> {
    /// How much.
    pub money: Money,
    /// The contract.
    pub transfer_group: &'a str,
    /// The payer.
    pub customer: Option<&'a str>,
    /// `card`, `us_bank_account`.
    pub methods: &'a [&'a str],
    /// The method, when it is known: the payment is then confirmed at once.
    pub confirm_with: Option<&'a str>,
    /// Where the payer comes back to after an action that a confirmed payment wants.
    pub return_url: Option<&'a str>,
    /// Milestone and command.
    pub metadata: Metadata<'a>,
}

/// Creates a payment.
pub fn create_payment_intent(new: &NewPaymentIntent<'_>) -> Post<PaymentIntent> {
    let form = amount(Form::new(), new.money)
        .with_some("customer", new.customer)
        .with_list("payment_method_types", new.methods.iter().copied())
        .with("transfer_group", new.transfer_group)
        .with_some("payment_method", new.confirm_with)
        .with_some("confirm", new.confirm_with.map(|_| true))
        .with_some("return_url", new.return_url.filter(|_| new.confirm_with.is_some()))
        .with_map("metadata", new.metadata.iter().copied());
    Post::new("/v1/payment_intents", &form)
}

/// Confirms a payment with a method.
pub fn confirm_payment_intent(id: &str, method: &str, return_url: Option<&str>) -> Post<PaymentIntent> {
    let form = Form::new().with("payment_method", method).with_some("return_url", return_url);
    Post::new(format!("/v1/payment_intents/{id}/confirm"), &form)
}

/// Gives a payment up.
pub fn cancel_payment_intent(id: &str) -> Post<PaymentIntent> {
    Post::new(format!("/v1/payment_intents/{id}/cancel"), &Form::new())
}

/// A method to be made ready for later payments.
#[derive(Clone, Copy, Debug)]
pub struct NewSetupIntent<'a> {
    /// The payer.
    pub customer: &'a str,
    /// `card`, `us_bank_account`.
    pub methods: &'a [&'a str],
    /// The method, when it is known: it is then confirmed at once.
    pub confirm_with: Option<&'a str>,
    /// Our words.
    pub metadata: Metadata<'a>,
}

/// Makes a method ready.
pub fn create_setup_intent(new: &NewSetupIntent<'_>) -> Post<SetupIntent> {
    let form = Form::new()
        .with("customer", new.customer)
        .with_list("payment_method_types", new.methods.iter().copied())
        .with_some("payment_method", new.confirm_with)
        .with_some("confirm", new.confirm_with.map(|_| true))
        .with_map("metadata", new.metadata.iter().copied());
    Post::new("/v1/setup_intents", &form)
}

/// A payer, known by our words alone.
pub fn create_customer(metadata: Metadata<'_>) -> Post<Customer> {
    Post::new("/v1/customers", &Form::new().with_map("metadata", metadata.iter().copied()))
}

/// What is refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOf<'a> {
    /// A charge.
    Charge(&'a str),
    /// The charge of a payment.
    PaymentIntent(&'a str),
}

/// Refunds so many minor units.
pub fn create_refund(of: RefundOf<'_>, minor: i64, metadata: Metadata<'_>) -> Post<Refund> {
    let form = match of {
        RefundOf::Charge(id) => Form::new().with("charge", id),
        RefundOf::PaymentIntent(id) => Form::new().with("payment_intent", id),
    };
    let form = form.with("amount", minor).with_map("metadata", metadata.iter().copied());
    Post::new("/v1/refunds", &form)
}

/// A payee: Stripe collects the requirements, the platform pays fees and bears losses, payouts are manual.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount<'a> {
    /// ISO 3166-1.
    pub country: &'a str,
    /// Our words.
    pub metadata: Metadata<'a>,
}

/// Creates a payee's account.
pub fn create_account(new: &NewAccount<'_>) -> Post<Account> {
    let form = Form::new()
        .with("country", new.country)
        .with("controller[fees][payer]", "application")
        .with("controller[losses][payments]", "application")
        .with("controller[requirement_collection]", "stripe")
        .with("controller[stripe_dashboard][type]", "express")
        .with("capabilities[transfers][requested]", true)
        .with("settings[payouts][schedule][interval]", "manual")
        .with_map("metadata", new.metadata.iter().copied());
    Post::new("/v1/accounts", &form)
}

/// A page where the payee answers Stripe's questions.
pub fn create_account_link(account: &str, refresh_url: &str, return_url: &str) -> Post<AccountLink> {
    let form = Form::new()
        .with("account", account)
        .with("refresh_url", refresh_url)
        .with("return_url", return_url)
        .with("type", "account_onboarding");
    Post::new("/v1/account_links", &form)
}

/// Money for a payee.
#[derive(Clone, Copy, Debug)]
pub struct NewTransfer<'a> {
    /// How much.
    pub money: Money,
    /// The connected account.
    pub destination: &'a str,
    /// The charge it comes from: it may then be commanded before that is available.
    pub source_transaction: Option<&'a str>,
    /// The contract.
    pub transfer_group: &'a str,
    /// Milestone and command.
    pub metadata: Metadata<'a>,
}

/// Transfers.
pub fn create_transfer(new: &NewTransfer<'_>) -> Post<Transfer> {
    let form = amount(Form::new(), new.money)
        .with("destination", new.destination)
        .with_some("source_transaction", new.source_transaction)
        .with("transfer_group", new.transfer_group)
        .with_map("metadata", new.metadata.iter().copied());
    Post::new("/v1/transfers", &form)
}

/// Takes so many minor units of a transfer back.
pub fn reverse_transfer(transfer: &str, minor: i64, metadata: Metadata<'_>) -> Post<TransferReversal> {
    let form = Form::new().with("amount", minor).with_map("metadata", metadata.iter().copied());
    Post::new(format!("/v1/transfers/{transfer}/reversals"), &form)
}

/// Pays a connected account's balance to its bank; the platform's own without an account.
pub fn create_payout(account: Option<&str>, money: Money, metadata: Metadata<'_>) -> Post<Payout> {
    let form = amount(Form::new(), money).with_map("metadata", metadata.iter().copied());
    Post { account: account.map(str::to_owned), ..Post::new("/v1/payouts", &form) }
}

/// What is said in a dispute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// What was sold.
    pub product_description: Option<&'a str>,
    /// When the work was delivered.
    pub service_date: Option<&'a str>,
    /// Everything else.
    pub uncategorized_text: Option<&'a str>,
}

/// Gives evidence; `submit` sends it to the bank, once.
pub fn update_dispute(id: &str, evidence: &Evidence<'_>, submit: bool) -> Post<Dispute> {
    let form = Form::new()
        .with_some("evidence[product_description]", evidence.product_description)
        .with_some("evidence[service_date]", evidence.service_date)
        .with_some("evidence[uncategorized_text]", evidence.uncategorized_text)
        .with("submit", submit);
    Post::new(format!("/v1/disputes/{id}"), &form)
}
