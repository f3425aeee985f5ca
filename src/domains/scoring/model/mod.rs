//! The rating model and what the product makes of it: pure arithmetic.

pub mod agreement;
pub mod calibration;
pub mod connectivity;
pub mod data;
pub mod delivery;
pub mod evidence;
pub mod fit;
mod halo;
pub mod impact;
pub mod jmle;
pub mod logistic;
pub mod mml;
pub mod parameters;
pub mod pcm;
pub mod recalibration;
pub mod report;
pub mod scales;
pub mod score;
mod squarem;
pub mod validity;

#[cfg(test)]
mod tests;
