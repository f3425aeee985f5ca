//! Money's words: accounts, lines, events, fees. Pure.

pub mod event;
pub mod fee;
pub mod posting;

use assay_kernel::string_enum;

string_enum! {
    /// The chart of accounts. The table `ledger_kinds` says the same.
    pub enum AccountKind {
        /// The platform's balance at the payment provider.
        StripePlatform = "stripe_platform",
        /// What the provider keeps back of it.
        StripeReserved = "stripe_reserved",
        /// The platform's bank account.
        Bank = "bank",
        /// Fees that the platform has earned.
        PlatformFee = "platform_fee",
        /// What the provider took for payments.
        StripeFee = "stripe_fee",
        /// What the provider took for disputes.
        DisputeFee = "dispute_fee",
        /// What lost disputes cost the platform.
        ChargebackLoss = "chargeback_loss",
        /// A milestone's held money.
        Hold = "hold",
        /// A milestone's held money that may not move for now.
        HoldFrozen = "hold_frozen",
        /// The client's fee on a milestone, not earned yet.
        FeeDeferred = "fee_deferred",
        /// What a developer is to be paid.
        DeveloperPayable = "developer_payable",
        /// What an organisation is to get back.
        ClientCredit = "client_credit",
        /// What a developer owes.
        DeveloperReceivable = "developer_receivable",
        /// What a dispute has withdrawn.
        DisputeHold = "dispute_hold",
        /// A transfer on its way.
        ClearingTransfer = "clearing_transfer",
        /// A refund on its way.
        ClearingRefund = "clearing_refund",
        /// A payout on its way.
        ClearingPayout = "clearing_payout",
        /// A reversal of a transfer on its way.
        ClearingReversal = "clearing_reversal",
    }
}

/// In which direction an account grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Assets and expenses.
    Debit,
    /// Liabilities and income.
    Credit,
}

impl Side {
    /// 1 or −1, as stored: a sum of entries times this is the balance.
    pub fn sign(self) -> i16 {
        match self {
            Side::Debit => 1,
            Side::Credit => -1,
        }
    }
}

impl AccountKind {
    /// In which direction it grows.
    pub fn side(self) -> Side {
        use AccountKind as K;
        match self {
            K::StripePlatform
            | K::StripeReserved
            | K::Bank
            | K::StripeFee
            | K::DisputeFee
            | K::ChargebackLoss
            | K::DeveloperReceivable
            | K::DisputeHold => Side::Debit,
            K::PlatformFee
            | K::Hold
            | K::HoldFrozen
            | K::FeeDeferred
            | K::DeveloperPayable
            | K::ClientCredit
            | K::ClearingTransfer
            | K::ClearingRefund
            | K::ClearingPayout
            | K::ClearingReversal => Side::Credit,
        }
    }

    /// May it never go below zero? Its balance then has a row of its own, so only accounts of one owner are guarded:
    /// a row that every transaction changes would make them wait for each other.
    pub fn is_guarded(self) -> bool {
        !self.is_platforms()
    }

    /// Is there one for the whole platform?
    pub fn is_platforms(self) -> bool {
        use AccountKind as K;
        matches!(
            self,
            K::StripePlatform
                | K::StripeReserved
                | K::Bank
                | K::PlatformFee
                | K::StripeFee
                | K::DisputeFee
                | K::ChargebackLoss
        )
    }

    /// The word that beancount has for such an account.
    pub fn class(self) -> &'static str {
        use AccountKind as K;
        match self {
            K::StripeFee | K::DisputeFee | K::ChargebackLoss => "Expenses",
            K::PlatformFee => "Income",
            _ if self.side() == Side::Debit => "Assets",
            _ => "Liabilities",
        }
    }
}
