//! The tables of this domain, and what it reads of lower ones.

pub mod anchors;
pub mod calibrations;
pub mod cards;
pub mod demographics;
pub mod outcomes;
pub mod personal_data;
pub mod reports;
pub mod scores;
