//! Matching, pure.

pub mod explain;
pub mod exposure;
pub mod learn;
pub mod market;
pub mod rank;
pub mod run;
pub mod snapshot;
mod value;

#[cfg(test)]
mod tests;
