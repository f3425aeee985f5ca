//! Matching: which developers suit a project, why, and the same answer again when asked again.
//!
//! A pure core (no IO, no clock, no randomness): hard constraints → candidates → value → exposure → explanation. Around
//! it the product: each process keeps the developers as columns, read from PostgreSQL and kept fresh by the events;
//! rankings are held against the tables before they are given, and kept.
//!
//! Owns `match_preferences`, `rankings`, `impressions`, `match_invitations`, `match_exclusions`, `match_parameters` and
//! `market_metrics`.
//!
//! Invariants:
//! - Nobody who breaks a hard constraint is ranked, whatever the value: what the columns say is checked in the tables.
//! - The parts of an explanation sum to the score's distance from the median feasible developer.
//! - The same columns, parameters, exposure, project and seed give the same bits, in every process.
//! - The rate enters the chance of acceptance and the limits only; nobody can pay for a rank, nor staff push one up.
//! - What a ranking was made of is kept, and gives it again bit by bit, whatever has become of its developers.
//! - A developer reads of themselves only; no client is told anybody's floor.
//!
//! Lends: [`Matching`], its use cases, to the application; to the command line and the benchmarks [`Market`] (the files
//! of a market, read), [`Snapshot`] (columns), [`learn`] ([`Parameters`] from history), [`rank`], [`explain`],
//! [`counterfactual`], [`run`] (a market's projects one after another).

mod http;
mod jobs;
mod model;
mod service;
mod store;

pub use http::{asked_most, routes};
pub use jobs::{jobs, schedule};
pub use model::explain::{Counterfactual, Explanation, Part, counterfactual, explain};
pub use model::exposure::{Exposure, Impression};
pub use model::learn::{Parameters, learn};
pub use model::market::{
    Contract, Developer, Fault, Invitation, Level, Market, Near, Project, Score, SkillEntry, read_json,
    read_lines,
};
pub use model::rank::{Ranked, Ranking, Settings, rank};
pub use model::run::{Line, run};
pub use model::snapshot::{Query, Snapshot};
pub use service::Matching;
pub use service::live::{Live, Source};
pub use store::personal_data::PERSONAL_DATA;
