//! Imports, items and what is computed from them: pure.

pub mod facts;
pub mod formula;
pub mod gaming;
pub mod item;
pub mod process;
pub mod progress;
pub mod skills;
