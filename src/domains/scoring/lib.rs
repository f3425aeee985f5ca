//! Scoring: ratings of many assessors become measures that do not depend on who assessed, with an interval each.
//!
//! Owns `calibrations`, `calibration_promotions`, `developer_scores`, `score_events`, `assessment_scores`,
//! `delivery_outcomes`, `validity_reports` and `demographics`. Its model is pure: no IO, no clock, no randomness; the same
//! ratings give the same bits.
//!
//! The model is the many-facet partial-credit Rasch model with a session effect (Linacre 1989; Masters 1982):
//! `log P(k)/P(k−1) = θ_developer + γ_session − severity_assessor − difficulty_criterion − τ_criterion,k`.
//!
//! Invariants:
//! - Every figure is finite, for extreme patterns and disconnected designs too.
//! - Names carry no meaning: relabelling developers, assessors or criteria changes no measure.
//! - Memory is linear in the ratings.
//! - A calibration never changes; the highest promoted version of a scale is in force.
//! - A published score changes in one function, with an event that names its cause, in the transaction of the cause.
//! - What people tell of themselves is read by the report on adverse impact alone, by groups.
//!
//! Lends to the product: [`on_rated`] for the assessments, [`scores_of`], [`record_outcome_in`], [`schedule`]. The model: [`RatingsBuilder`] and [`read_line`] (ratings in), [`joint`] (JMLE, as published programs do it, for reports and
//! comparison), [`marginal`] (marginal ML by EM: a [`Calibration`]), [`Scorer`] (posterior with frozen parameters: the
//! score that is published), [`connectivity`], [`agreement`], [`drift`], [`report`].

mod http;
mod jobs;
mod model;
mod service;
mod store;

pub use http::routes;
pub use jobs::{jobs, schedule};
pub use model::score::{Cause, DeveloperScore, Figures, Outcome, ScoreScale};
pub use service::outcomes::record_outcome_in;
pub use service::rated::on_rated;
pub use service::{scores_of, seed};
pub use store::personal_data::PERSONAL_DATA;

pub use model::agreement::{Agreement, Drift, agreement, drift};
pub use model::calibration::{Calibration, Grid, Posterior, Scorer};
pub use model::connectivity::{Components, Pairing, connectivity};
pub use model::data::{Fault, Ratings, RatingsBuilder, Scale, read_line};
pub use model::fit::{Measure, Separation};
pub use model::jmle::{Joint, joint};
pub use model::logistic::{LogPosterior, logistic};
pub use model::mml::{Marginal, MarginalOptions, marginal};
pub use model::report::{Estimator, Report, ScoreLine, by_scale, report};
