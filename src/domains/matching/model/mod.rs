//! Matching, pure.

pub mod explain;
pub mod exposure;
pub mod facts;
pub mod kept;
pub mod learn;
pub mod market;
pub mod metrics;
pub mod near_misses;
pub mod rank;
pub mod run;
pub mod snapshot;
pub mod value;
pub mod words;

#[cfg(test)]
mod tests;
