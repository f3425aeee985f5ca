//! The published figures: what a posterior becomes, on which scale, and what moves it.

use assay_kernel::ids::{AccountId, MilestoneId, OrganisationId, ProjectId};
use assay_kernel::{Money, string_enum};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The version of the formula from evidence to figures: this file, `evidence.rs` and `delivery.rs`. Another formula is
/// another version.
pub const FORMULA_VERSION: &str = "2026-11-21";

/// Half of the interval that holds the true value nine times in ten, in standard deviations.
const Z90: f64 = 1.644_853_626_951_472_2;

string_enum! {
    /// What is measured.
    pub enum ScoreScale {
        /// What somebody can do, from rated sessions.
        Technical = "technical",
        /// How somebody works with others, from rated sessions.
        Collaboration = "collaboration",
        /// Whether what was agreed is delivered, from milestones.
        Delivery = "delivery",
    }
}

impl ScoreScale {
    /// The scales that cards are rated for.
    pub const RATED: [Self; 2] = [Self::Technical, Self::Collaboration];
}

string_enum! {
    /// What moved a score.
    pub enum Cause {
        /// A decided assessment.
        Session = "session",
        /// A decided assessment after an earlier one: both count.
        Redo = "redo",
        /// The answer to an appeal.
        Appeal = "appeal",
        /// A calibration came into force.
        Recalibration = "recalibration",
        /// A milestone ended.
        Outcome = "outcome",
    }
}

string_enum! {
    /// What a score says of the pass line.
    pub enum Verdict {
        /// At or above the line, very likely.
        Pass = "pass",
        /// Below the line, very likely.
        Fail = "fail",
        /// It cannot be told yet: another rater is asked.
        Border = "border",
    }
}

/// A measured value, with its interval on the published scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Posterior mean, in logits.
    #[schema(example = 0.41)]
    pub theta: f64,
    /// Posterior standard deviation, in logits.
    #[schema(example = 0.35)]
    pub se: f64,
    /// `500 + 100 θ`.
    #[schema(example = 541)]
    pub score: i32,
    /// Lower end of the interval that holds the true value nine times in ten.
    #[schema(example = 483)]
    pub lower: i32,
    /// Its upper end.
    #[schema(example = 599)]
    pub upper: i32,
}

impl Figures {
    /// Of a posterior.
    pub fn new(theta: f64, se: f64) -> Self {
        let points = |theta: f64| (500.0 + 100.0 * theta).round() as i32;
        Self {
            theta,
            se,
            score: points(theta),
            lower: points(theta - Z90 * se),
            upper: points(theta + Z90 * se),
        }
    }

    /// Would somebody who reads them see a difference?
    pub fn differ(&self, other: &Self) -> bool {
        (self.score, self.lower, self.upper) != (other.score, other.lower, other.upper)
    }
}

/// A published score.
#[derive(Clone, Debug, PartialEq)]
pub struct DeveloperScore {
    /// Whose.
    pub developer: AccountId,
    /// Of what.
    pub scale: ScoreScale,
    /// What it is.
    pub figures: Figures,
    /// By which calibration of the scale.
    pub calibration_version: i32,
    /// By which formula.
    pub formula_version: String,
    /// Ratings or milestones that it rests on.
    pub evidence: i32,
    /// Since when.
    pub updated_at: DateTime<Utc>,
}

/// How a milestone ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub milestone: MilestoneId,
    /// Who worked.
    pub developer: AccountId,
    /// For whom.
    pub organisation: OrganisationId,
    /// On what.
    pub project: ProjectId,
    /// Share of the amount that became the developer's, basis points.
    pub accepted_bps: u32,
    /// Was it delivered by the agreed day? None when nothing was delivered.
    pub on_time: Option<bool>,
    /// Did the client ask for the money back, or a bank take it back?
    pub disputed: bool,
    /// Its amount.
    pub amount: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_scale_is_500_and_100_a_logit() {
        let figures = Figures::new(0.41, 0.35);
        assert_eq!((figures.lower, figures.score, figures.upper), (483, 541, 599));
        assert!(!figures.differ(&Figures::new(0.4101, 0.3501)));
        assert!(figures.differ(&Figures::new(0.43, 0.35)));
    }
}
