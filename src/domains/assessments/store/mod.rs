//! SQL of assessments: one statement a function.

pub mod assessments;
pub mod cards;
pub mod conflicts;
pub mod integrity;
pub mod outcomes;
pub mod personal_data;
pub mod raters;
pub mod rubrics;
