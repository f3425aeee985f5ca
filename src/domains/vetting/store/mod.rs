//! SQL: one statement a function.

pub mod appeals;
pub mod applications;
pub mod approvals;
pub mod decisions;
pub mod people;
pub mod personal_data;
