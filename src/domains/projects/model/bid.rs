//! Bids: the document, its prices, and what each side pays and gets.

use std::collections::BTreeMap;

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{DeliverableId, MilestoneId};
use assay_kernel::{Currency, Money, Result, string_enum};
use serde::{Deserialize, Serialize};

use super::scope::Milestone;

string_enum! {
    /// Where a bid stands.
    pub enum BidState {
        /// Being written.
        Draft = "draft",
        /// Waiting for a place.
        Waitlisted = "waitlisted",
        /// Before the client.
        Submitted = "submitted",
        /// On the short list.
        Shortlisted = "shortlisted",
        /// The client made an offer.
        Offered = "offered",
        /// The developer made a counter-offer.
        Countered = "countered",
        /// Agreed.
        Accepted = "accepted",
        /// Under a contract.
        Contracted = "contracted",
        /// Declined by the client.
        Declined = "declined",
        /// Taken back by the developer.
        Withdrawn = "withdrawn",
        /// The listing ran out.
        Expired = "expired",
        /// The project went elsewhere.
        Closed = "closed",
    }
}

impl BidState {
    /// Does the bid take a place of its project and of its developer?
    pub fn takes_place(self) -> bool {
        matches!(
            self,
            Self::Waitlisted | Self::Submitted | Self::Shortlisted | Self::Offered | Self::Countered
        )
    }

    /// May the client see the bid?
    pub fn visible_to_client(self) -> bool {
        self != Self::Draft
    }
}

string_enum! {
    /// Where an offer stands.
    pub enum OfferState {
        /// Waiting for an answer.
        Open = "open",
        /// Answered with other terms.
        Countered = "countered",
        /// Agreed.
        Accepted = "accepted",
        /// Taken back.
        Rescinded = "rescinded",
        /// Refused.
        Declined = "declined",
        /// Not answered in time.
        Expired = "expired",
        /// The project or bid ended.
        Closed = "closed",
    }
}

string_enum! {
    /// A side of a negotiation.
    pub enum Party {
        /// The client's organisation.
        Client = "client",
        /// The developer.
        Developer = "developer",
    }
}

/// The price of a milestone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, validator::Validate)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Which milestone.
    pub milestone_id: MilestoneId,
    /// Minor units of the project's currency.
    #[schema(minimum = 1, example = 580000)]
    #[validate(range(min = 1))]
    pub amount: i64,
}

/// How a deliverable's acceptance check will be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Approach {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// How.
    pub approach: String,
}

/// What a developer bids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidDocument {
    /// A price for each milestone.
    pub prices: Vec<Price>,
    /// An approach for each deliverable.
    pub approaches: Vec<Approach>,
    /// What may go wrong.
    pub risks: Vec<String>,
    /// What is done first.
    pub first_step: String,
}

/// What both sides pay and get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Quote {
    /// The sum of the milestones' prices.
    pub price: Money,
    /// On top, paid by the client.
    pub client_fee: Money,
    /// What the client pays in all.
    pub client_total: Money,
    /// Taken from the developer's part.
    pub developer_fee: Money,
    /// What the developer gets.
    pub developer_net: Money,
}

impl Quote {
    /// The quote for a price under these fees (basis points).
    pub fn new(price: Money, client_fee_bps: u32, developer_fee_bps: u32) -> Self {
        let client_fee = price.bps(client_fee_bps);
        let developer_fee = price.bps(developer_fee_bps);
        let money = |amount| Money::new(amount, price.currency);
        Self {
            price,
            client_fee,
            client_total: money(price.amount.saturating_add(client_fee.amount)),
            developer_fee,
            developer_net: money(price.amount.saturating_sub(developer_fee.amount)),
        }
    }
}

/// The sum of prices, when it can be represented.
pub fn total_of(prices: &[Price], currency: Currency) -> Option<Money> {
    prices
        .iter()
        .try_fold(Money::new(0, currency), |sum, price| sum.checked_add(Money::new(price.amount, currency)))
}

/// Checks that each milestone has exactly one positive price.
pub fn check_prices(prices: &[Price], milestones: &[Milestone], errors: &mut FieldErrors) {
    let mut seen: BTreeMap<MilestoneId, usize> = BTreeMap::new();
    for (i, price) in prices.iter().enumerate() {
        let pointer = format!("/prices/{i}/milestone_id");
        if !milestones.iter().any(|m| m.id == price.milestone_id) {
            errors.push(pointer, "unknown_value", "is not a milestone of the project");
        } else if seen.insert(price.milestone_id, i).is_some() {
            errors.push(pointer, "duplicate", "has a price already");
        }
    }
    for milestone in milestones.iter().filter(|m| !seen.contains_key(&m.id)) {
        errors.push(
            "/prices",
            "required",
            format!("lacks a price for milestone {} ({})", milestone.id, milestone.title),
        );
    }
}

/// Checks a whole document against the project's milestones.
///
/// # Errors
/// `invalid_fields` with everything that is wrong.
pub fn check_document(document: &BidDocument, milestones: &[Milestone]) -> Result<()> {
    let mut errors = FieldErrors::new();
    check_prices(&document.prices, milestones, &mut errors);
    let deliverables: BTreeMap<DeliverableId, &str> =
        milestones.iter().flat_map(|m| &m.deliverables).map(|d| (d.id, d.title.as_str())).collect();
    let mut answered = BTreeMap::new();
    for (i, approach) in document.approaches.iter().enumerate() {
        let pointer = format!("/approaches/{i}/deliverable_id");
        if !deliverables.contains_key(&approach.deliverable_id) {
            errors.push(pointer, "unknown_value", "is not a deliverable of the project");
        } else if answered.insert(approach.deliverable_id, i).is_some() {
            errors.push(pointer, "duplicate", "is answered already");
        }
    }
    for (id, title) in deliverables.iter().filter(|(id, _)| !answered.contains_key(id)) {
        errors.push("/approaches", "required", format!("lacks an approach for deliverable {id} ({title})"));
    }
    errors.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scope::tests::milestone;
    use proptest::prelude::*;

    #[test]
    fn a_bid_answers_every_milestone_and_deliverable_exactly_once() {
        let milestones = [milestone(100, &[4_000, 6_000])];
        let price = Price { milestone_id: milestones[0].id, amount: 90 };
        let approach = |i: usize| Approach {
            deliverable_id: milestones[0].deliverables[i].id,
            approach: "Tests first.".into(),
        };
        let document = BidDocument {
            prices: vec![price.clone()],
            approaches: vec![approach(0), approach(1)],
            risks: vec![],
            first_step: "Read.".into(),
        };
        assert!(check_document(&document, &milestones).is_ok());
        let codes = |document: &BidDocument| -> Vec<String> {
            check_document(document, &milestones)
                .unwrap_err()
                .fields()
                .iter()
                .map(|f| f.code.clone())
                .collect()
        };
        let twice = BidDocument { prices: vec![price.clone(), price], ..document.clone() };
        assert_eq!(codes(&twice), ["duplicate"]);
        let half = BidDocument { approaches: vec![approach(0)], prices: vec![], ..document };
        assert_eq!(codes(&half), ["required", "required"]);
    }

    proptest! {
        #[test]
        fn a_quote_adds_up_for_both_sides(amount in 1_i64..5_000_000_000, client in 0_u32..=3_000, developer in 0_u32..=3_000) {
            let quote = Quote::new(Money::new(amount, Currency::USD), client, developer);
            prop_assert_eq!(quote.client_total.amount - quote.client_fee.amount, amount);
            prop_assert_eq!(quote.developer_net.amount + quote.developer_fee.amount, amount);
            prop_assert!(quote.developer_net.amount >= 0 && quote.client_fee.amount >= 0);
        }
    }
}
