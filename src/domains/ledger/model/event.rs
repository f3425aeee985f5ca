//! The events of money and what each does to the accounts. Each has a key: the fact that it stands for.

use assay_kernel::Money;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AccountKind as K;
use super::posting::{AccountRef, Posting};

/// Where held money is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Free to be released.
    Free,
    /// Held back, or frozen by a dispute.
    Frozen,
}

impl Held {
    fn account(self, milestone: Uuid) -> AccountRef {
        AccountRef::of(if self == Held::Free { K::Hold } else { K::HoldFrozen }, milestone)
    }
}

/// What a refund is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOf {
    /// Money of a milestone that was not released, and the client's fee on it.
    Milestone {
        /// The milestone.
        milestone: Uuid,
        /// Which of its money.
        held: Held,
        /// How much of the held money.
        amount: Money,
        /// How much of the client's fee.
        fee: Money,
    },
    /// What an organisation is to get back.
    Credit {
        /// The organisation.
        organisation: Uuid,
        /// How much.
        amount: Money,
    },
}

/// What happened to money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client's payment has arrived.
    Funded {
        /// The provider's id of its balance transaction.
        provider: String,
        /// The milestone.
        milestone: Uuid,
        /// What is held.
        amount: Money,
        /// The client's fee on top.
        fee: Money,
    },
    /// The provider took a fee for a payment.
    ProcessingFee {
        /// The provider's id of the payment's balance transaction.
        provider: String,
        /// How much.
        fee: Money,
    },
    /// Held money becomes the developer's, in full or in part.
    Release {
        /// The decision.
        id: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// The developer's account.
        developer: Uuid,
        /// From where.
        held: Held,
        /// The part that is released.
        amount: Money,
        /// The platform's share of that part.
        developer_fee: Money,
        /// The client's fee on that part, earned now.
        client_fee: Money,
    },
    /// Held money is kept back.
    HeldBack {
        /// The decision.
        id: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// How much.
        amount: Money,
    },
    /// Kept back money is free again.
    Freed {
        /// The decision.
        id: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// How much.
        amount: Money,
    },
    /// A transfer to the developer is under way.
    TransferCommanded {
        /// The command.
        command: Uuid,
        /// The developer's account.
        developer: Uuid,
        /// How much.
        amount: Money,
    },
    /// It has been made.
    TransferConfirmed {
        /// The command.
        command: Uuid,
        /// How much.
        amount: Money,
    },
    /// It will not be made.
    TransferRefused {
        /// The command.
        command: Uuid,
        /// The developer's account.
        developer: Uuid,
        /// How much.
        amount: Money,
    },
    /// What a developer is to be paid repays what they owe instead.
    Repaid {
        /// The release.
        id: Uuid,
        /// The developer's account.
        developer: Uuid,
        /// How much.
        amount: Money,
    },
    /// The platform keeps what an arbitration costs out of the loser's frozen money.
    ArbitrationFee {
        /// The decision.
        id: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// How much.
        amount: Money,
    },
    /// The platform's own money is on its way to its bank.
    PayoutCommanded {
        /// The command.
        command: Uuid,
        /// How much.
        amount: Money,
    },
    /// It has left the provider.
    PayoutConfirmed {
        /// The command.
        command: Uuid,
        /// How much.
        amount: Money,
    },
    /// It will not be made.
    PayoutRefused {
        /// The command.
        command: Uuid,
        /// How much.
        amount: Money,
    },
    /// It came back from the bank.
    PayoutReturned {
        /// The command.
        command: Uuid,
        /// How much.
        amount: Money,
    },
    /// A refund is under way.
    RefundCommanded {
        /// The command.
        command: Uuid,
        /// From what.
        of: RefundOf,
    },
    /// It has been made.
    RefundConfirmed {
        /// The command.
        command: Uuid,
        /// How much in all.
        amount: Money,
    },
    /// It will not be made.
    RefundRefused {
        /// The command.
        command: Uuid,
        /// From what it would have been.
        of: RefundOf,
    },
    /// It is paid from the platform's bank instead, past the provider.
    RefundOutOfBand {
        /// The refund.
        refund: Uuid,
        /// From what.
        of: RefundOf,
    },
    /// What did not reach a client repays what the platform has lost to the client's bank.
    LossRecovered {
        /// The refund's request or, before any, its decision.
        id: Uuid,
        /// From what.
        of: RefundOf,
    },
    /// Released money is given back: the client has credit, which a refund pays.
    RefundAfterRelease {
        /// The decision.
        id: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// The developer's account.
        developer: Uuid,
        /// The client's organisation.
        organisation: Uuid,
        /// What a reversal of the transfer brought back.
        reversed: Money,
        /// What had not been transferred yet.
        unpaid: Money,
        /// What the developer owes instead.
        owed: Money,
        /// What the platform gives back of its fees.
        fee: Money,
    },
    /// A payer's bank has withdrawn a payment.
    DisputeOpened {
        /// The dispute.
        dispute: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// What was withdrawn.
        amount: Money,
        /// What the provider takes for it.
        fee: Money,
        /// Held money that freezes.
        frozen: Money,
    },
    /// The withdrawn money is back.
    DisputeWon {
        /// The dispute.
        dispute: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// What came back.
        amount: Money,
        /// What came back of the provider's fee.
        fee: Money,
        /// Frozen money that is free again.
        freed: Money,
    },
    /// The withdrawn money is gone: the sum of these six.
    DisputeLost {
        /// The dispute.
        dispute: Uuid,
        /// The milestone.
        milestone: Uuid,
        /// The client's organisation.
        organisation: Uuid,
        /// The developer's account.
        developer: Uuid,
        /// From the frozen money.
        frozen: Money,
        /// From the client's fee that was not earned yet.
        fee: Money,
        /// From the client's credit.
        credit: Money,
        /// From what was released and had not been transferred yet.
        unpaid: Money,
        /// What the developer owes.
        owed: Money,
        /// What the platform loses.
        loss: Money,
    },
}

/// The sum in the first one's currency; amounts of other currencies are refused by the lines they stand in.
fn sum(first: Money, others: &[Money]) -> Money {
    let amount = others.iter().fold(first.amount, |sum, other| sum.saturating_add(other.amount));
    Money::new(amount, first.currency)
}

impl Event {
    /// The transaction that records it.
    pub fn posting(&self, contract: Option<Uuid>, at: DateTime<Utc>) -> Posting {
        let own = AccountRef::platforms;
        let stripe = own(K::StripePlatform);
        let posting = |kind: &'static str, fact: &dyn std::fmt::Display, first: Money| {
            Posting::new(kind, format!("{kind}:{fact}"), first.currency, at).contract(contract)
        };
        match self {
            Event::Funded { provider, milestone, amount, fee } => posting("funded", provider, *amount)
                .milestone(*milestone)
                .debit(stripe, *amount)
                .debit(stripe, *fee)
                .credit(AccountRef::of(K::Hold, *milestone), *amount)
                .credit(AccountRef::of(K::FeeDeferred, *milestone), *fee),
            Event::ProcessingFee { provider, fee } => {
                posting("processing_fee", provider, *fee).debit(own(K::StripeFee), *fee).credit(stripe, *fee)
            }
            Event::Release { id, milestone, developer, held, amount, developer_fee, client_fee } => {
                let payable = AccountRef::of(K::DeveloperPayable, *developer);
                posting("release", id, *amount)
                    .milestone(*milestone)
                    .debit(held.account(*milestone), *amount)
                    .credit(payable, *amount)
                    .debit(payable, *developer_fee)
                    .credit(own(K::PlatformFee), *developer_fee)
                    .debit(AccountRef::of(K::FeeDeferred, *milestone), *client_fee)
                    .credit(own(K::PlatformFee), *client_fee)
            }
            Event::HeldBack { id, milestone, amount } => posting("hold", id, *amount)
                .milestone(*milestone)
                .debit(Held::Free.account(*milestone), *amount)
                .credit(Held::Frozen.account(*milestone), *amount),
            Event::Freed { id, milestone, amount } => posting("freed", id, *amount)
                .milestone(*milestone)
                .debit(Held::Frozen.account(*milestone), *amount)
                .credit(Held::Free.account(*milestone), *amount),
            Event::TransferCommanded { command, developer, amount } => {
                posting("transfer_commanded", command, *amount)
                    .debit(AccountRef::of(K::DeveloperPayable, *developer), *amount)
                    .credit(AccountRef::of(K::ClearingTransfer, *command), *amount)
            }
            Event::TransferConfirmed { command, amount } => posting("transfer_confirmed", command, *amount)
                .debit(AccountRef::of(K::ClearingTransfer, *command), *amount)
                .credit(stripe, *amount),
            Event::TransferRefused { command, developer, amount } => {
                posting("transfer_refused", command, *amount)
                    .debit(AccountRef::of(K::ClearingTransfer, *command), *amount)
                    .credit(AccountRef::of(K::DeveloperPayable, *developer), *amount)
            }
            Event::Repaid { id, developer, amount } => posting("repaid", id, *amount)
                .debit(AccountRef::of(K::DeveloperPayable, *developer), *amount)
                .credit(AccountRef::of(K::DeveloperReceivable, *developer), *amount),
            Event::ArbitrationFee { id, milestone, amount } => posting("arbitration_fee", id, *amount)
                .milestone(*milestone)
                .debit(Held::Frozen.account(*milestone), *amount)
                .credit(own(K::PlatformFee), *amount),
            // The bank's money counts as there from the command on, so that what is on its way is not paid out twice.
            Event::PayoutCommanded { command, amount } => posting("payout_commanded", command, *amount)
                .debit(own(K::Bank), *amount)
                .credit(AccountRef::of(K::ClearingPayout, *command), *amount),
            Event::PayoutConfirmed { command, amount } => posting("payout_confirmed", command, *amount)
                .debit(AccountRef::of(K::ClearingPayout, *command), *amount)
                .credit(stripe, *amount),
            Event::PayoutRefused { command, amount } => posting("payout_refused", command, *amount)
                .debit(AccountRef::of(K::ClearingPayout, *command), *amount)
                .credit(own(K::Bank), *amount),
            Event::PayoutReturned { command, amount } => posting("payout_returned", command, *amount)
                .debit(stripe, *amount)
                .credit(own(K::Bank), *amount),
            Event::RefundCommanded { command, of } => {
                let clearing = AccountRef::of(K::ClearingRefund, *command);
                refund("refund_commanded", *command, of, contract, at, Way::To(clearing))
            }
            Event::RefundRefused { command, of } => {
                let clearing = AccountRef::of(K::ClearingRefund, *command);
                refund("refund_refused", *command, of, contract, at, Way::From(clearing))
            }
            Event::LossRecovered { id, of } => {
                refund("loss_recovered", *id, of, contract, at, Way::To(own(K::ChargebackLoss)))
            }
            Event::RefundOutOfBand { refund: id, of } => {
                refund("refund_out_of_band", *id, of, contract, at, Way::To(own(K::Bank)))
            }
            Event::RefundConfirmed { command, amount } => posting("refund_confirmed", command, *amount)
                .debit(AccountRef::of(K::ClearingRefund, *command), *amount)
                .credit(stripe, *amount),
            Event::RefundAfterRelease {
                id,
                milestone,
                developer,
                organisation,
                reversed,
                unpaid,
                owed,
                fee,
            } => {
                let given = sum(*reversed, &[*unpaid, *owed, *fee]);
                posting("refund_after_release", id, *reversed)
                    .milestone(*milestone)
                    .debit(stripe, *reversed)
                    .debit(AccountRef::of(K::DeveloperPayable, *developer), *unpaid)
                    .debit(AccountRef::of(K::DeveloperReceivable, *developer), *owed)
                    .debit(own(K::PlatformFee), *fee)
                    .credit(AccountRef::of(K::ClientCredit, *organisation), given)
            }
            Event::DisputeOpened { dispute, milestone, amount, fee, frozen } => {
                posting("dispute_opened", dispute, *amount)
                    .milestone(*milestone)
                    .debit(AccountRef::of(K::DisputeHold, *dispute), *amount)
                    .debit(own(K::DisputeFee), *fee)
                    .credit(stripe, sum(*amount, &[*fee]))
                    .debit(Held::Free.account(*milestone), *frozen)
                    .credit(Held::Frozen.account(*milestone), *frozen)
            }
            Event::DisputeWon { dispute, milestone, amount, fee, freed } => {
                posting("dispute_won", dispute, *amount)
                    .milestone(*milestone)
                    .debit(stripe, sum(*amount, &[*fee]))
                    .credit(AccountRef::of(K::DisputeHold, *dispute), *amount)
                    .credit(own(K::DisputeFee), *fee)
                    .debit(Held::Frozen.account(*milestone), *freed)
                    .credit(Held::Free.account(*milestone), *freed)
            }
            Event::DisputeLost {
                dispute,
                milestone,
                organisation,
                developer,
                frozen,
                fee,
                credit,
                unpaid,
                owed,
                loss,
            } => {
                let gone = sum(*frozen, &[*fee, *credit, *unpaid, *owed, *loss]);
                posting("dispute_lost", dispute, *frozen)
                    .milestone(*milestone)
                    .debit(Held::Frozen.account(*milestone), *frozen)
                    .debit(AccountRef::of(K::FeeDeferred, *milestone), *fee)
                    .debit(AccountRef::of(K::ClientCredit, *organisation), *credit)
                    .debit(AccountRef::of(K::DeveloperPayable, *developer), *unpaid)
                    .debit(AccountRef::of(K::DeveloperReceivable, *developer), *owed)
                    .debit(own(K::ChargebackLoss), *loss)
                    .credit(AccountRef::of(K::DisputeHold, *dispute), gone)
            }
        }
    }
}

/// Where the money of a refund goes, or where it comes back from.
#[derive(Clone, Copy)]
enum Way {
    To(AccountRef),
    From(AccountRef),
}

/// The money of a refund leaves its source, or is there again.
fn refund(
    kind: &'static str,
    fact: Uuid,
    of: &RefundOf,
    contract: Option<Uuid>,
    at: DateTime<Utc>,
    way: Way,
) -> Posting {
    let mut moves: Vec<(AccountRef, Money)> = Vec::with_capacity(2);
    let milestone = match of {
        RefundOf::Milestone { milestone, held, amount, fee } => {
            moves.push((held.account(*milestone), *amount));
            moves.push((AccountRef::of(K::FeeDeferred, *milestone), *fee));
            Some(*milestone)
        }
        RefundOf::Credit { organisation, amount } => {
            moves.push((AccountRef::of(K::ClientCredit, *organisation), *amount));
            None
        }
    };
    let currency = match of {
        RefundOf::Milestone { amount, .. } | RefundOf::Credit { amount, .. } => amount.currency,
    };
    let mut posting = Posting::new(kind, format!("{kind}:{fact}"), currency, at).contract(contract);
    posting.milestone = milestone;
    moves.into_iter().fold(posting, |posting, (source, amount)| match way {
        Way::To(account) => posting.debit(source, amount).credit(account, amount),
        Way::From(account) => posting.debit(account, amount).credit(source, amount),
    })
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod event_tests;
