//! Bids side by side, for the client.

use assay_kernel::ids::{BidId, DeliverableId, MilestoneId};

use crate::model::BidDocument;
use crate::store::bids::BidRow;
use crate::store::projects::ProjectRow;

/// What each bid says about one thing.
#[derive(Debug)]
pub struct Row<Id, Answer> {
    /// The milestone or deliverable.
    pub id: Id,
    /// What it is.
    pub title: String,
    /// Each bid's answer.
    pub answers: Vec<(BidId, Answer)>,
}

/// Prices by milestone, approaches by deliverable.
#[derive(Debug)]
pub struct Comparison {
    /// Each bid's price, in minor units.
    pub milestones: Vec<Row<MilestoneId, i64>>,
    /// Each bid's approach.
    pub deliverables: Vec<Row<DeliverableId, String>>,
}

/// Puts bids side by side.
pub fn compare(project: &ProjectRow, bids: &[BidRow]) -> Comparison {
    let prices = |id: MilestoneId| {
        let price = |document: &BidDocument| {
            document.prices.iter().find(|price| price.milestone_id == id).map(|price| price.amount)
        };
        bids.iter().filter_map(|bid| Some((bid.bid_id(), price(&bid.document)?))).collect()
    };
    let approaches = |id: DeliverableId| {
        let approach = |document: &BidDocument| {
            document.approaches.iter().find(|a| a.deliverable_id == id).map(|a| a.approach.clone())
        };
        bids.iter().filter_map(|bid| Some((bid.bid_id(), approach(&bid.document)?))).collect()
    };
    Comparison {
        milestones: project
            .milestones
            .iter()
            .map(|m| Row { id: m.id, title: m.title.clone(), answers: prices(m.id) })
            .collect(),
        deliverables: project
            .milestones
            .iter()
            .flat_map(|m| &m.deliverables)
            .map(|d| Row { id: d.id, title: d.title.clone(), answers: approaches(d.id) })
            .collect(),
    }
}
