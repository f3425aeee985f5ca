//! Disputes: what is found, proposed and awarded, and how an award and its fee divide the money. Pure.

use assay_kernel::Money;
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, DeliverableId, DeliveryId, MessageId};
use assay_kernel::string_enum;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Side;

/// The most that an arbitration costs, basis points of what is disputed. A policy may say less.
pub const FEE_MAX_BPS: u32 = 500;

/// What was found, and what it rests on: a deliverable, a delivery or a message at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Of which deliverable it is.
    pub deliverable_id: Option<DeliverableId>,
    /// The delivery that shows it.
    pub delivery_id: Option<DeliveryId>,
    /// The message that shows it.
    pub message_id: Option<MessageId>,
    /// What was found.
    #[schema(example = "Reads two of the three formats; the third fails on the sample of March.")]
    pub text: String,
}

/// What can be cited in a case.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Deliverables of the milestone.
    pub deliverables: Vec<DeliverableId>,
    /// Deliveries on it.
    pub deliveries: Vec<DeliveryId>,
    /// Those of the messages named that are of the contract.
    pub messages: Vec<MessageId>,
}

/// Checks that each finding rests on something of the case.
pub fn check_findings(findings: &[Finding], record: &Record, errors: &mut FieldErrors) {
    for (i, one) in findings.iter().enumerate() {
        let at = |field: &str| format!("/findings/{i}/{field}");
        if one.deliverable_id.is_none() && one.delivery_id.is_none() && one.message_id.is_none() {
            errors.push(
                at("deliverable_id"),
                "required",
                "or a delivery or a message: a finding rests on something",
            );
        }
        let unknown = "is not of this case";
        let known = one.deliverable_id.is_none_or(|id| record.deliverables.contains(&id));
        errors.check(known, &at("deliverable_id"), "unknown_value", unknown);
        let known = one.delivery_id.is_none_or(|id| record.deliveries.contains(&id));
        errors.check(known, &at("delivery_id"), "unknown_value", unknown);
        let known = one.message_id.is_none_or(|id| record.messages.contains(&id));
        errors.check(known, &at("message_id"), "unknown_value", unknown);
    }
}

/// What a mediator proposes, or an arbitrator decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// By whom.
    pub by: AccountId,
    /// The developer's part of what is disputed, minor units; the rest is the client's.
    pub developer: i64,
    /// Why.
    pub reason: String,
    /// What it rests on.
    pub findings: Vec<Finding>,
    /// When.
    pub at: DateTime<Utc>,
}

string_enum! {
    /// What an appeal led to.
    pub enum AppealOutcome {
        /// The sums are right: the award stands.
        Upheld = "upheld",
        /// A sum was wrong: the award was corrected.
        Corrected = "corrected",
    }
}

/// An appeal against an award's arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// Which side appeals.
    pub by: Side,
    /// Which sum is wrong, and why.
    pub reason: String,
    /// What the developer's part would be by right sums.
    pub developer: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who answered.
    pub decided_by: Option<AccountId>,
    /// With what.
    pub outcome: Option<AppealOutcome>,
    /// Why.
    pub answer: Option<String>,
}

/// What each side wants the developer to have, minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// By the client.
    pub client: i64,
    /// By the developer.
    pub developer: i64,
}

impl Positions {
    /// The opener's claim and the other side's answer; who never answered is taken to want the most.
    pub fn new(opened_by: Side, claim: i64, answer: Option<i64>, balance: i64) -> Self {
        match opened_by {
            Side::Client => Self { client: claim, developer: answer.unwrap_or(balance) },
            Side::Developer => Self { client: answer.unwrap_or(0), developer: claim },
        }
    }
}

/// Disputed money divided. Its parts sum to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// To the developer.
    pub developer: i64,
    /// To the client.
    pub client: i64,
    /// What the platform keeps for the arbitration: of the developer's part, and of the client's.
    pub fee_of_developer: i64,
    /// Of the client's part.
    pub fee_of_client: i64,
}

impl Division {
    /// Without a fee: as both sides agreed, or as claimed.
    pub fn plain(balance: i64, developer: i64) -> Self {
        let developer = developer.clamp(0, balance.max(0));
        Self { developer, client: balance.saturating_sub(developer), fee_of_developer: 0, fee_of_client: 0 }
    }

    /// With the fee, which the loser pays: the side whose position lay farther from the award; both half of it when
    /// they lay equally far. Nobody pays more than what they are awarded.
    pub fn awarded(balance: i64, developer: i64, fee: i64, wanted: Positions) -> Self {
        let plain = Self::plain(balance, developer);
        let far = |position: i64| position.abs_diff(plain.developer);
        let (client, developer) = match far(wanted.client).cmp(&far(wanted.developer)) {
            std::cmp::Ordering::Greater => (fee, 0),
            std::cmp::Ordering::Less => (0, fee),
            std::cmp::Ordering::Equal => (fee.saturating_sub(fee / 2), fee / 2),
        };
        let fee_of_client = client.min(plain.client);
        let fee_of_developer = developer.min(plain.developer);
        Self {
            developer: plain.developer.saturating_sub(fee_of_developer),
            client: plain.client.saturating_sub(fee_of_client),
            fee_of_developer,
            fee_of_client,
        }
    }

    /// What the platform keeps.
    pub fn fee(&self) -> i64 {
        self.fee_of_developer.saturating_add(self.fee_of_client)
    }
}

/// What an arbitration costs.
pub fn arbitration_fee(balance: Money, fee_bps: u32) -> i64 {
    balance.bps(fee_bps.min(FEE_MAX_BPS)).amount
}

#[cfg(test)]
mod tests {
    use assay_kernel::Currency;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_side_that_was_farther_off_pays() {
        let wanted = Positions { client: 0, developer: 100_000 };
        let by_client = Division::awarded(100_000, 70_000, 5_000, wanted);
        assert_eq!((by_client.developer, by_client.client, by_client.fee_of_client), (70_000, 25_000, 5_000));
        let by_developer = Division::awarded(100_000, 20_000, 5_000, wanted);
        assert_eq!((by_developer.developer, by_developer.client), (15_000, 80_000));
        let by_both = Division::awarded(100_000, 50_000, 5_001, wanted);
        assert_eq!((by_both.fee_of_client, by_both.fee_of_developer), (2_501, 2_500));
        // Who gets nothing pays nothing.
        let none = Division::awarded(100_000, 100_000, 5_000, wanted);
        assert_eq!((none.developer, none.client, none.fee()), (100_000, 0, 0));
    }

    #[test]
    fn a_finding_rests_on_something_of_the_case() {
        let id = |n: u128| DeliverableId::from_uuid(uuid::Uuid::from_u128(n));
        let record = Record { deliverables: vec![id(1)], ..Record::default() };
        let finding = |deliverable_id| Finding {
            deliverable_id,
            delivery_id: None,
            message_id: None,
            text: "Two of three formats.".into(),
        };
        let faults = |findings: &[Finding]| {
            let mut errors = FieldErrors::new();
            check_findings(findings, &record, &mut errors);
            errors.finish().is_err()
        };
        assert!(!faults(&[finding(Some(id(1)))]));
        assert!(faults(&[finding(Some(id(2)))]));
        assert!(faults(&[finding(Some(id(1))), finding(None)]));
    }

    proptest! {
        #[test]
        fn an_award_sums_to_the_balance_and_its_fee_is_the_losers(
            balance in 0_i64..=5_000_000_000, share in 0_i64..=10_000, client in 0_i64..=10_000, developer in 0_i64..=10_000,
            fee_bps in 0_u32..=900,
        ) {
            let of = |part: i64| (i128::from(balance) * i128::from(part) / 10_000) as i64;
            let fee = arbitration_fee(Money::new(balance, Currency::USD), fee_bps);
            prop_assert!(fee <= balance / 20 + 1);
            let wanted = Positions { client: of(client), developer: of(developer) };
            let plain = Division::plain(balance, of(share));
            let award = Division::awarded(balance, of(share), fee, wanted);
            prop_assert_eq!(award.developer + award.client + award.fee(), balance);
            prop_assert!(award.developer >= 0 && award.client >= 0 && award.fee() >= 0 && award.fee() <= fee);
            // Nobody pays out of the other's part.
            prop_assert_eq!(award.developer + award.fee_of_developer, plain.developer);
            prop_assert_eq!(award.client + award.fee_of_client, plain.client);
            let far = |position: i64| position.abs_diff(of(share));
            if far(wanted.client) < far(wanted.developer) {
                prop_assert_eq!(award.fee_of_client, 0);
            }
            if far(wanted.client) > far(wanted.developer) {
                prop_assert_eq!(award.fee_of_developer, 0);
            }
        }
    }
}
