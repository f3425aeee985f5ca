//! SQL of assessments: one statement a function.

pub mod assessments;
pub mod conflicts;
pub mod sessions;
