//! SQL of assessments: one statement a function.

pub mod anchor_cards;
pub mod anchors;
pub mod assessments;
pub mod assessors;
pub mod bookings;
pub mod cards;
pub mod conflicts;
pub mod feeds;
pub mod integrity;
pub mod outcomes;
pub mod people;
pub mod personal_data;
pub mod raters;
pub mod records;
pub mod rubrics;
pub mod scores;
pub mod sessions;
pub mod waiting;
