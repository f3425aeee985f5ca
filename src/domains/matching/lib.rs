//! Matching: which developers suit a project, why, and the same answer again when asked again.
//!
//! A pure core: no IO, no clock, no randomness. hard constraints → candidates → value → exposure → explanation.
//!
//! Invariants:
//! - Nobody who breaks a hard constraint is ranked, whatever the value.
//! - The parts of an explanation sum to the score's distance from the median feasible developer.
//! - The same snapshot, parameters, exposure, project and seed give the same bits.
//! - The rate enters the chance of acceptance and the limits only; nobody can pay for a rank.
//!
//! Lends: [`Market`] (the files of a market, read), [`Snapshot`] (columns), [`learn`] ([`Parameters`] from history),
//! [`rank`], [`explain`], [`counterfactual`], [`run`] (a market's projects one after another).

mod model;

pub use model::explain::{Counterfactual, Explanation, Part, counterfactual, explain};
pub use model::exposure::Exposure;
pub use model::learn::{Parameters, learn};
pub use model::market::{
    Contract, Developer, Fault, Invitation, Level, Market, Project, Score, SkillEntry, read_json, read_lines,
};
pub use model::rank::{Ranked, Ranking, Settings, rank};
pub use model::run::{Line, run};
pub use model::snapshot::{Query, Snapshot};
