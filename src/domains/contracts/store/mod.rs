//! Everything that this domain says to the database.

pub mod change_orders;
pub mod contracts;
pub mod disputes;
pub mod messages;
pub mod milestones;
pub mod personal_data;
pub mod ties;
