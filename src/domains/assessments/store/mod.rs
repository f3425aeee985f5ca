//! SQL of assessments: one statement a function.

pub mod assessments;
pub mod assessors;
pub mod bookings;
pub mod conflicts;
pub mod people;
pub mod personal_data;
pub mod waiting;
