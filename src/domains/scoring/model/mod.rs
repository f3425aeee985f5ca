//! The rating model: pure arithmetic.

pub mod agreement;
pub mod calibration;
pub mod connectivity;
pub mod data;
pub mod fit;
pub mod jmle;
pub mod mml;
pub mod pcm;
pub mod report;
pub mod scales;
mod squarem;

#[cfg(test)]
mod tests;
