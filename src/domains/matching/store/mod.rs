//! SQL of matching: one statement a function.

pub mod events;
pub mod exclusions;
pub mod facts;
pub mod history;
pub mod market;
pub mod parameters;
pub mod personal_data;
pub mod preferences;
pub mod rankings;
pub mod scores;
