//! What a change order changes.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::MilestoneId;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::terms::{Milestone, Terms};

/// Another due date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, validator::Validate)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Which milestone.
    pub milestone_id: MilestoneId,
    /// When it is due now.
    pub due_on: NaiveDate,
}

/// What a change order changes. The amount and the deliverables of a milestone never change: it is dropped, and others
/// are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// Milestones that are added; they take effect when they are paid.
    pub add: Vec<Milestone>,
    /// Milestones that are dropped; held money goes back.
    pub drop: Vec<MilestoneId>,
    /// Milestones that are due at another date.
    #[serde(rename = "move")]
    pub moved: Vec<Move>,
}

impl Changes {
    /// Does it take effect only with a payment?
    pub fn wants_funding(&self) -> bool {
        !self.add.is_empty()
    }

    /// What is wrong with it; `open` are the milestones that can still be dropped, with whether they are planned only:
    /// the terms of what is paid do not change.
    pub fn faults(&self, open: &[(MilestoneId, bool)], errors: &mut FieldErrors) {
        errors.check(
            !(self.add.is_empty() && self.drop.is_empty() && self.moved.is_empty()),
            "",
            "required",
            "must change something",
        );
        for (i, milestone) in self.add.iter().enumerate() {
            errors.check(
                milestone.is_whole(),
                &format!("/add/{i}/deliverables"),
                "inconsistent",
                "have weights that do not sum to 10000",
            );
        }
        let named = self.drop.iter().enumerate().map(|(i, id)| (format!("/drop/{i}"), *id));
        let named = named.chain(
            self.moved
                .iter()
                .enumerate()
                .map(|(i, one)| (format!("/move/{i}/milestone_id"), one.milestone_id)),
        );
        let mut seen = Vec::new();
        for (pointer, id) in named {
            let found = open.iter().find(|(open, _)| *open == id);
            if found.is_none() {
                errors.push(pointer, "unknown_value", "is no milestone of the contract that is open");
            } else if pointer.starts_with("/move") && found.is_some_and(|(_, planned)| !planned) {
                errors.push(pointer, "not_allowed", "is paid, so that its terms do not change");
            } else if seen.contains(&id) {
                errors.push(pointer, "duplicate", "is named twice");
            }
            seen.push(id);
        }
    }

    /// The terms with the changes in them: the next edition.
    #[must_use]
    pub fn applied(&self, terms: &Terms) -> Terms {
        let mut next = terms.clone();
        next.edition = terms.edition.saturating_add(1);
        next.milestones.retain(|milestone| !self.drop.contains(&milestone.id));
        for milestone in &mut next.milestones {
            if let Some(moved) = self.moved.iter().find(|moved| moved.milestone_id == milestone.id) {
                milestone.due_on = moved.due_on;
            }
        }
        next.milestones.extend(self.add.iter().cloned());
        next
    }
}
