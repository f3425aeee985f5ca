//! Scoring: ratings of many assessors become measures that do not depend on who assessed, with an interval each.
//!
//! A pure core: no IO, no clock, no randomness. The same ratings give the same bits.
//!
//! The model is the many-facet partial-credit Rasch model with a session effect (Linacre 1989; Masters 1982):
//! `log P(k)/P(k−1) = θ_developer + γ_session − severity_assessor − difficulty_criterion − τ_criterion,k`.
//!
//! Invariants:
//! - Every figure is finite, for extreme patterns and disconnected designs too.
//! - Names carry no meaning: relabelling developers, assessors or criteria changes no measure.
//! - Memory is linear in the ratings.
//!
//! Lends: [`RatingsBuilder`] and [`read_line`] (ratings in), [`joint`] (JMLE, as published programs do it, for reports and
//! comparison), [`marginal`] (marginal ML by EM: a [`Calibration`]), [`Scorer`] (posterior with frozen parameters: the
//! score that is published), [`connectivity`], [`agreement`], [`drift`], [`report`].

mod model;

pub use model::agreement::{Agreement, Drift, agreement, drift};
pub use model::calibration::{Calibration, Grid, Posterior, Scorer};
pub use model::connectivity::{Components, Pairing, connectivity};
pub use model::data::{Fault, Ratings, RatingsBuilder, Scale, read_line};
pub use model::fit::{Measure, Separation};
pub use model::jmle::{Joint, joint};
pub use model::mml::{Marginal, MarginalOptions, marginal};
pub use model::report::{DeveloperScore, Estimator, Report, by_scale, report};
