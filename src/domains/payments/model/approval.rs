//! A second person for large acts of staff on money. Pure.

use assay_kernel::ids::AccountId;
use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
use assay_kernel::{Money, Permission, string_enum};
use uuid::Uuid;

string_enum! {
    /// A large act of staff on money.
    pub enum MoneyAct {
        /// An award in a dispute between the sides of a contract.
        DisputeAward = "dispute_award",
        /// The platform's own money goes to its bank.
        PlatformPayout = "platform_payout",
        /// A transfer that was held goes on.
        TransferRelease = "transfer_release",
        /// A refund is asked for again.
        RefundRetry = "refund_retry",
        /// A refund is paid from the platform's bank.
        RefundOutOfBand = "refund_out_of_band",
    }
}

string_enum! {
    /// Where a confirmation stands.
    pub enum MoneyApprovalState {
        /// A second person is awaited.
        Pending = "pending",
        /// Confirmed, and done.
        CarriedOut = "carried_out",
        /// Refused.
        Refused = "refused",
        /// Nobody answered in time.
        Expired = "expired",
    }
}

const FINANCE: &[Who] = &[Who::Staff(Permission::Finance)];

/// Confirmations.
pub const APPROVAL: Machine = Machine {
    name: "money_approval",
    version: "2026-11-21",
    meaning: "A large act of staff on money, which a second person of the finance staff confirms.",
    initial: "pending",
    states: &[
        State { name: "pending", meaning: "Proposed; nothing has moved." },
        State { name: "carried_out", meaning: "Confirmed by another person, and done in the same moment." },
        State { name: "refused", meaning: "Refused; nothing has moved." },
        State { name: "expired", meaning: "Nobody answered in time; nothing has moved." },
    ],
    guards: &[Guard { code: "another_person", needs: "Neither who proposed it nor whom the money reaches." }],
    transitions: &[
        Transition {
            guards: &["another_person"],
            clock: Some("expire after 72 hours"),
            effects: &["the act is carried out"],
            ..row("confirm", &["pending"], "carried_out", FINANCE)
        },
        Transition {
            guards: &["another_person"],
            reason_required: true,
            ..row("refuse", &["pending"], "refused", FINANCE)
        },
        Transition { clock: Some("72 hours"), ..row("expire", &["pending"], "expired", &[Who::System]) },
    ],
};

/// Is so much a matter for two people?
pub fn is_large(amount: Money, from_units: i64) -> bool {
    amount.amount >= from_units.saturating_mul(10_i64.saturating_pow(amount.currency.exponent()))
}

/// Why this person may not answer.
pub fn blocked(actor: AccountId, proposed_by: Uuid, beneficiary: Option<Uuid>) -> Option<String> {
    let why = if actor.uuid() == proposed_by {
        "You proposed it: another person confirms."
    } else if beneficiary == Some(actor.uuid()) {
        "This is money of your own: another person confirms."
    } else {
        return None;
    };
    Some(why.to_owned())
}

#[cfg(test)]
mod tests {
    use assay_kernel::Currency;

    use super::*;

    #[test]
    fn what_is_large_goes_by_the_whole_units_of_the_currency() {
        let yen = Currency::parse("JPY").unwrap();
        assert!(is_large(Money::new(500_000, Currency::USD), 5_000));
        assert!(!is_large(Money::new(499_999, Currency::USD), 5_000));
        assert!(is_large(Money::new(5_000, yen), 5_000));
        assert!(!is_large(Money::new(4_999, yen), 5_000));
    }

    #[test]
    fn neither_the_proposer_nor_who_gets_the_money_confirms() {
        let id = |n: u128| Uuid::from_u128(n);
        let actor = |n| AccountId::from_uuid(id(n));
        assert!(blocked(actor(1), id(1), None).is_some());
        assert!(blocked(actor(2), id(1), Some(id(2))).is_some());
        assert!(blocked(actor(3), id(1), Some(id(2))).is_none());
    }
}
